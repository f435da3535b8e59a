"""A whole study in this process: what a notebook calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from memspan.claims.evidence import Evidence, ExperimentEvidence, History
from memspan.claims.markdown import markdown
from memspan.claims.study import Scale, StudySpec
from memspan.claims.verdict import Judgement, judged
from memspan.experiment.grid import conditions
from memspan.experiment.run import Progress, run
from memspan.experiment.spec import ExperimentSpec
from memspan.experiment.table import Results, Table
from memspan.interfaces.json_numbers import jsonable
from memspan.studies import experiments
from memspan.studies import study as family


@dataclass(frozen=True)
class Findings:
    """What a study found.

    Attributes:
        results: of its experiments, by the names that the study gave them.
        judgements: its claims, each with what was measured and the verdict.
    """

    spec: StudySpec
    results: Mapping[str, Results]
    judgements: tuple[Judgement, ...]

    @cached_property
    def document(self) -> dict[str, Any]:
        """What the service's JSON says of a study that has run."""
        return {**_document(type(self.spec), self.judgements), "scale": self.spec.scale}

    @cached_property
    def claims(self) -> Table:
        """One row a claim: measured value with its 95 % interval, threshold, verdict."""
        names = ("id", "text", "metric", "measured", "low", "high", "n", "direction", "threshold", "verdict", "reason")
        return Table([{name: judgement.document()[name] for name in names} for judgement in self.judgements])

    def markdown(self) -> str:
        """All tables of the study in Markdown, as ``memspan study --markdown`` prints them."""
        return markdown(self.document, {name: jsonable(each.document) for name, each in self.results.items()})

    def __repr__(self) -> str:
        return f"{self.spec.question}\n\n{self.claims!r}"

    def _repr_html_(self) -> str:
        return self.claims._repr_html_()


def study(kind_or_spec: str | StudySpec, scale: Scale = "quick", progress: Progress | None = None) -> Findings:
    """Run every experiment of a study here and now, and judge its claims.

    Args:
        kind_or_spec: "latch", or a spec, which says its scale and seed itself.
        progress: called with (epochs done, epochs in all), summed over all runs.

    Raises:
        UnknownKind: there is no such study.
        SpecImpossible: an experiment of it can't be run.
    """
    spec = kind_or_spec if isinstance(kind_or_spec, StudySpec) else _spec(kind_or_spec, scale)
    return run_study(spec, experiments(spec), progress)


def _spec(kind: str, scale: Scale) -> StudySpec:
    return family.spec(kind).model_validate({"kind": kind, "scale": scale})


def run_study(spec: StudySpec, asked: Mapping[str, ExperimentSpec], progress: Progress | None = None) -> Findings:
    """Run the experiments of a study, one after the other, and judge its claims by what they found."""
    sizes = [len(conditions(each)) * each.repeats * each.training.most_epochs for each in asked.values()]
    results: dict[str, Results] = {}
    for position, (name, each) in enumerate(asked.items()):
        results[name] = run(each, _share(progress, sum(sizes[:position]), sum(sizes)))
    evidence = Evidence(spec.scale, {name: _experiment_evidence(name, found) for name, found in results.items()})
    return Findings(spec, results, judged(spec.claims, evidence))


def _share(progress: Progress | None, before: float, total: float) -> Progress | None:
    """The progress of one experiment as a part of the whole."""
    return None if progress is None else lambda done, _: progress(before + done, total)


def _experiment_evidence(name: str, found: Results) -> ExperimentEvidence:
    """An experiment's results as claims ask for them."""
    return ExperimentEvidence(name, found.spec, found.rows, found.document["probes"], _histories(found))


def _histories(found: Results) -> Callable[[int], Mapping[int, History]]:
    def of_condition(position: int) -> Mapping[int, History]:
        return {repeat: lines for (place, repeat), lines in found.epochs.items() if place == position}

    return of_condition


def _document(study: type[StudySpec], judgements: Iterable[Judgement]) -> dict[str, Any]:
    """The study's question and claims with their verdicts, as JSON may hold them."""
    return {
        "kind": study.model_fields["kind"].default,
        "title": study.title,
        "question": study.question,
        "reference": study.reference,
        "explanation": study.explanation,
        "claims": [jsonable(judgement.document()) for judgement in judgements],
    }
