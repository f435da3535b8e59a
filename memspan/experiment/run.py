"""Running a whole experiment in this process: what a notebook calls."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import count, groupby
from typing import Any

import torch
from pydantic import ValidationError
from pydantic_core import from_json

from memspan.engine.condition import Condition
from memspan.engine.events import Evaluated, Finished, Outcome
from memspan.engine.machine_memory import worker_bytes
from memspan.engine.placement import Placement
from memspan.engine.trainer import Trainer
from memspan.experiment.checkpoint import packed
from memspan.experiment.flaw import Place
from memspan.experiment.flaws import flaws
from memspan.experiment.learning import courses
from memspan.experiment.matching import matched
from memspan.experiment.memory_need import memory_flaws
from memspan.experiment.placements import Placements
from memspan.experiment.probing import ask
from memspan.experiment.results import document
from memspan.experiment.rounds import Allocation, first_round, following, opening
from memspan.experiment.run_row import RunRow
from memspan.experiment.series import Series, all_series
from memspan.experiment.spec import ExperimentSpec
from memspan.experiment.table import Results
from memspan.interfaces.limits import Limits
from memspan.validation.places import places
from memspan.validation.pointer import subject
from memspan.validation.sentences import sentence

Progress = Callable[[float, float], None]
"""Called with (epochs done, epochs in all so far), summed over runs; what follows from other runs comes by rounds."""


class SpecMalformed(ValueError):
    """What was given is no spec; the message has a sentence for every wrong field."""


class SpecImpossible(ValueError):
    """The spec is well-formed and can't be run; the message names every field at fault."""


def run(
    spec: ExperimentSpec | Mapping[str, Any] | str,
    progress: Progress | None = None,
    device: str = "cpu",
    threads: int = 1,
) -> Results:
    """Train every run of an experiment here and now, ask its probes, and return the tables.

    The numbers are those that the service stores for the same spec: they follow from the spec and its seed alone.
    With more than one thread they may differ in the last bits.

    Raises:
        SpecMalformed: the spec has wrong fields.
        SpecImpossible: it is well-formed and can't be run.
    """
    spec = parse(spec)
    with _compute_threads(threads):
        return _Session(spec, progress, device).results()


def parse(spec: ExperimentSpec | Mapping[str, Any] | str) -> ExperimentSpec:
    """A sound spec from a dict, a JSON text or a spec; widths that were to be matched are written out."""
    if not isinstance(spec, ExperimentSpec):
        spec = _read(spec if isinstance(spec, str) else json.dumps(spec))
    limits = Limits()
    sized = matched(spec, limits).spec
    found = flaws(spec, limits) or memory_flaws(sized, {"cpu": worker_bytes()})
    if found:
        raise SpecImpossible("\n".join(_at(flaw.path, flaw.message) for flaw in found))
    return sized


def _read(text: str) -> ExperimentSpec:
    try:
        return ExperimentSpec.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise SpecMalformed("\n".join(_sentences(error, text))) from None


def _sentences(error: ValidationError, text: str) -> Iterator[str]:
    """Everything that is wrong with a spec's text, each in its place."""
    try:
        body = from_json(text)
    except ValueError as reason:
        yield f"The spec is not valid JSON: {reason}."
        return
    for placed in places(error, body):
        message = sentence(subject(placed.path) if placed.path else "The spec", placed.error, placed.given)
        yield _at(placed.path, message)


def _at(path: Place, message: str) -> str:
    return f"{'.'.join(map(str, path))}: {message}" if path else message


@contextmanager
def _compute_threads(count: int) -> Iterator[None]:
    """Use ``count`` threads for a while; small networks are fastest, and repeatable to the bit, with one."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Session:
    """One experiment on its way through this process."""

    def __init__(self, spec: ExperimentSpec, progress: Progress | None, device: str) -> None:
        self._spec, self._progress, self._device = spec, progress, device
        self._placements = Placements(spec, device="cpu" if device == "cpu" else "gpu")
        self._done = 0.0
        self._total = 0.0
        self._rows: list[RunRow] = []
        self._probes: list[dict[str, Any]] = []
        self._histories: defaultdict[tuple[int, int], defaultdict[str, list[float]]]
        self._histories = defaultdict(lambda: defaultdict(list))

    def results(self) -> Results:
        openings = [(series, opening(self._spec, series)) for series in all_series(self._spec)]
        self._plan([allocation for _, allocations in openings for allocation in allocations])
        for series, allocations in openings:
            for position, outcomes in self._train_series(series, allocations).items():
                if position in series.reported:
                    self._probe(self._placements[position].condition, outcomes)
        epochs = {place: dict(curves) for place, curves in self._histories.items()}
        found = document(self._spec, self._rows, self._probes, courses(self._spec, epochs))
        return Results(self._spec, found, tuple(self._rows), epochs)

    def _plan(self, allocations: Sequence[Allocation]) -> None:
        """Count runs that are going to be trained into what progress is measured by."""
        self._total += sum(len(allocation.repeats) for allocation in allocations) * self._spec.training.most_epochs

    def _train_series(self, series: Series, allocations: Sequence[Allocation]) -> dict[int, dict[int, Outcome]]:
        """Train what a series begins with and all that follows, round by round; the outcomes by position and repeat."""
        outcomes: dict[int, dict[int, Outcome]] = {}
        rows: list[RunRow] = []
        for number in count(first_round(self._spec)):
            for allocation in allocations:
                trained = self._train(allocation, number, rows)
                outcomes[allocation.position] = outcomes.get(allocation.position, {}) | trained
            allocations = following(self._spec, series, rows)
            if not allocations:
                break
            self._plan(allocations)
        self._rows += rows
        return dict(sorted(outcomes.items()))

    def _train(self, allocation: Allocation, number: int, rows: list[RunRow]) -> dict[int, Outcome]:
        """Train some repeats of a condition, one stack after the other, and add their rows."""
        index, placement = allocation.position, self._placements[allocation.position]
        outcomes: dict[int, Outcome] = {}
        for _, mates in groupby(allocation.repeats, lambda repeat: repeat // placement.width):
            members = list(mates)
            finished = self._train_stack(index, placement, members)
            share = finished.seconds / len(members)
            outcomes |= finished.outcomes
            rows += [
                RunRow(
                    index,
                    repeat,
                    "succeeded",
                    each.metrics,
                    each.diverged_at,
                    share,
                    placement.engine,
                    number,
                    each.processor,
                    None if each.by_lag is None else asdict(each.by_lag),
                )
                for repeat, each in finished.outcomes.items()
            ]
        return outcomes

    def _train_stack(self, index: int, placement: Placement, repeats: Sequence[int]) -> Finished:
        trainer = Trainer(placement, repeats, device=self._device)
        for event in trainer.events():
            if isinstance(event, Finished):
                self._done += len(repeats) * placement.condition.training.most_epochs
                self._report(0.0)
                return event
            if isinstance(event, Evaluated):
                self._note(index, event)
                self._report(len(repeats) * trainer.progress)
        raise AssertionError("training ended without its last event")

    def _note(self, index: int, event: Evaluated) -> None:
        """Keep what each run measured after an epoch."""
        for repeat, values in event.metrics.items():
            for name, value in values.items():
                self._histories[index, repeat][name].append(value)

    def _report(self, current: float) -> None:
        if self._progress:
            self._progress(self._done + current, self._total)

    def _probe(self, condition: Condition, outcomes: Mapping[int, Outcome]) -> None:
        """Ask the experiment's probes of the reported checkpoint of every repeat."""
        for spec in self._spec.probes:
            chosen = [getattr(outcome, condition.checkpoint) for outcome in outcomes.values()]
            reading = ask(spec, condition, [packed(weights).data for weights in chosen])
            self._probes.append(
                {
                    "kind": spec.kind,
                    "spec": spec.model_dump(mode="json"),
                    "task": condition.task.model_dump(mode="json"),
                    "model": condition.model.model_dump(mode="json"),
                    "length": condition.length,
                    "n": len(chosen),
                    "state": "succeeded",
                    "result": reading.document(),
                }
            )
