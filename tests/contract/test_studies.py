"""What every study owes: sound experiments, claims that any evidence can judge, words that a student understands."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from memspan.claims.evidence import Evidence, ExperimentEvidence
from memspan.claims.study import StudySpec
from memspan.claims.verdict import judged
from memspan.experiment.flaws import flaws
from memspan.experiment.grid import conditions
from memspan.experiment.run_row import RunRow
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits
from memspan.studies import experiments, study
from memspan.training import trainings
from tests.contract.variants import named, variants

STUDIES = study.specs()
SPECS = [spec for kind in STUDIES for spec in variants(kind)]
METRICS = tuple(
    f"{split}_{name}" for split in ("train", "validation", "test") for name in ("loss", "accuracy", "exact")
)

each_study = pytest.mark.parametrize("kind", STUDIES, ids=lambda kind: kind.__name__)
each_spec = pytest.mark.parametrize("spec", SPECS, ids=named)

asked = cache(experiments)


@each_study
def test_a_study_asks_a_question_and_explains_its_answer(kind: type[StudySpec]) -> None:
    assert kind.question.endswith("?")
    assert kind.explanation.endswith(".")
    assert 2 <= len(re.findall(r"[.?!](?= [A-Z]|$)", kind.explanation)) <= 3, "two sentences, one more at most"
    assert kind.title
    assert kind.reference


@each_study
def test_claims_are_sentences_with_ids_of_their_own_and_finite_thresholds(kind: type[StudySpec]) -> None:
    assert kind.claims
    assert len({claim.id for claim in kind.claims}) == len(kind.claims)
    for claim in kind.claims:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", claim.id)
        assert claim.text.endswith(".")
        assert claim.metric
        assert claim.source
        assert np.isfinite(claim.threshold)


@each_spec
def test_every_experiment_of_a_study_can_be_run(spec: StudySpec) -> None:
    """A published size may take a larger cap on what a step carries, and nothing else."""
    limits = Limits(step_values=5_000_000_000) if spec.scale == "published" else Limits()
    for name, each in asked(spec).items():
        assert flaws(each, limits) == [], name


@each_spec
def test_experiments_have_names_and_follow_from_the_seed(spec: StudySpec) -> None:
    assert asked(spec)
    assert all(name == name.strip() and 0 < len(name) <= 64 for name in asked(spec))
    other = asked(spec.model_copy(update={"seed": 5}))
    assert other.keys() == asked(spec).keys()
    assert all(each.seed != asked(spec)[name].seed for name, each in other.items())


@each_study
def test_a_quick_study_is_no_larger_than_a_full_one(kind: type[StudySpec]) -> None:
    quick, *larger = (sum(map(_epochs, asked(spec).values())) for spec in variants(kind))
    assert larger
    assert all(quick <= each for each in larger)


def _epochs(spec: ExperimentSpec) -> int:
    return len(conditions(spec)) * spec.repeats * spec.training.most_epochs * spec.training.train_size


Form = Callable[[int, int], dict[str, Any]]
"""Fields of a run by its condition and repeat."""


def _noise(condition: int, repeat: int) -> dict[str, Any]:
    drawn = np.random.default_rng((condition, repeat)).uniform(0.01, 1.0, len(METRICS))
    return {"metrics": dict(zip(METRICS, drawn.tolist(), strict=True))}


EVIDENCE: dict[str, Form] = {
    "noise": _noise,
    "all alike": lambda condition, repeat: {"metrics": dict.fromkeys(METRICS, 1.0)},
    "all zero": lambda condition, repeat: {"metrics": dict.fromkeys(METRICS, 0.0)},
    "all exploded": lambda condition, repeat: {"metrics": dict.fromkeys(METRICS, np.inf), "diverged_at": 1},
    "one survived": lambda condition, repeat: {} if repeat else _noise(condition, repeat),
    "half failed": lambda condition, repeat: {
        **_noise(condition, repeat),
        "state": ("failed", "succeeded")[repeat % 2],
    },
    "unfinished": lambda condition, repeat: {"state": "running"},
}


@pytest.mark.parametrize("form", EVIDENCE)
@each_spec
def test_any_evidence_gives_a_verdict(spec: StudySpec, form: str) -> None:
    experiments = {name: _experiment_evidence(name, each, EVIDENCE[form]) for name, each in asked(spec).items()}
    for judgement in judged(spec.claims, Evidence(spec.scale, experiments)):
        assert judgement.document()["verdict"] in ("supported", "contradicted", "inconclusive", "pending")
        assert judgement.reason or judgement.measured


@each_spec
def test_without_its_experiments_a_claim_says_what_is_missing(spec: StudySpec) -> None:
    for judgement in judged(spec.claims, Evidence(spec.scale, {})):
        assert judgement.measured or "was deleted" in judgement.reason


def _experiment_evidence(name: str, spec: ExperimentSpec, form: Form) -> ExperimentEvidence:
    """An experiment whose runs found what the form says, by the first setting where some are tuned; without probes."""
    setting = trainings(spec.training)[0]
    rows = [
        RunRow(place, repeat, **{"state": "succeeded", "seconds": 1.0, "metrics": {}, **form(place, repeat)})
        for place, condition in enumerate(conditions(spec))
        if condition.is_reported and condition.training == setting
        for repeat in range(spec.repeats)
    ]
    return ExperimentEvidence(name, spec, rows, histories=lambda place: {run.repeat: _line(run, spec) for run in rows})


def _line(run: RunRow, spec: ExperimentSpec) -> dict[str, list[float]]:
    """A run's metrics of every epoch, up to the one in which it diverged."""
    return {metric: [0.5] * (run.diverged_at or spec.training.most_epochs) for metric in METRICS}
