"""What a study's experiments found, as claims ask for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from memspan.claims.measured import Flags, Floats, Measured, alone
from memspan.claims.measured import NotMeasured as NotMeasured
from memspan.claims.memory_span import measured_span
from memspan.engine.condition import Condition
from memspan.experiment.choices import choices
from memspan.experiment.grid import conditions
from memspan.experiment.run_row import RunRow
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.json_numbers import numeric
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.probe import ProbeSpec
from memspan.interfaces.task import TaskSpec
from memspan.statistics.span import Span, memory_span

History = Mapping[str, Sequence[float]]
"""Metrics of one run by name, a value for each epoch; a diverged run has fewer."""


UNFINISHED = frozenset({"queued", "running"})


@dataclass(frozen=True)
class RecallByLag:
    """Accuracies by how long ago was shown what was asked for.

    Attributes:
        first, last: lags in steps that a bin begins and ends with.

    Shapes:
        accuracies (runs, bins)
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    accuracies: Floats


@dataclass(frozen=True)
class ExperimentEvidence:
    """What one experiment of a study found.

    Attributes:
        rows: its runs.
        probes: its stored probes as results show them (kind, spec, task, model, length, n, state, result).
        histories: position of a condition in the grid -> repeat -> metrics of every epoch.
        over: whether nothing more will come of it.
    """

    name: str
    spec: ExperimentSpec
    rows: Sequence[RunRow]
    probes: Sequence[Mapping[str, Any]] = ()
    histories: Callable[[int], Mapping[int, History]] = lambda position: {}
    over: bool = True

    @cached_property
    def grid(self) -> tuple[Condition, ...]:
        return conditions(self.spec)

    def values(
        self,
        metric: str,
        model: ModelSpec | None = None,
        length: int | None = None,
        task: TaskSpec | None = None,
    ) -> Floats:
        """A final metric of every run of the conditions that fit, in the order of grid and repeat.

        A run that diverged, whatever it measured, or failed counts as NaN: so two conditions with equally many
        repeats are paired. None fits every model, length or task.
        """
        return np.array([_final(run, metric) for run in self._runs(model, length, task)])

    def scores(
        self, metric: str, floor: float, model: ModelSpec, task: TaskSpec | None = None, length: int | None = None
    ) -> Floats:
        """As ``values``, but that a run which diverged counts as ``floor``: leaving it out would flatter its model."""
        runs = self._runs(model, length, task)
        return np.array([_final(run, metric) if run.diverged_at is None else floor for run in runs])

    def by_lag(self, model: ModelSpec, task: TaskSpec | None = None) -> RecallByLag:
        """The accuracy of each run in each bin of lags; of those that have not diverged."""
        counts = [run.by_lag for run in self._runs(model, None, task) if run.by_lag and run.diverged_at is None]
        if not counts:
            raise NotMeasured(f"No answers by lag of {self._named(model, None)} are stored.")
        asked, correct = (np.array([each[name] for each in counts], dtype=float) for name in ("asked", "correct"))
        return RecallByLag(tuple(counts[0]["first"]), tuple(counts[0]["last"]), correct / asked)

    def solved(self, model: ModelSpec | None = None, length: int | None = None, task: TaskSpec | None = None) -> Flags:
        """Whether each succeeded run met the experiment's criterion; a diverged one never does."""
        runs = self._runs(model, length, task)
        return np.array([self._met(run) for run in runs if run.state == "succeeded"], dtype=bool)

    def memory_span(self, model: ModelSpec, task: TaskSpec | None = None) -> Span:
        """The length that half of a model's repeats solve, over all lengths of the experiment."""
        lengths = sorted({self.grid[place].extent for place in self._places(model, None, task)})
        outcomes = [self.solved(model, length, task) for length in lengths]
        found = memory_span(lengths, [int(each.sum()) for each in outcomes], [len(each) for each in outcomes])
        if found is None:
            raise NotMeasured(f"There is no {self._named(model, None)}.")
        return found

    def span(self, model: ModelSpec, task: TaskSpec | None = None) -> Measured:
        """The same as a number with its interval, in steps; its note says when it lies outside the tested lengths."""
        return measured_span(self.memory_span(model, task), self.spec.repeats)

    def choice(self, model: ModelSpec, length: int | None = None, task: TaskSpec | None = None) -> Mapping[str, Any]:
        """What was tried and chosen for a model, as ``tuning`` of results has it: where several fit, the first.

        Raises:
            NotMeasured: nothing is chosen.
        """
        wanted: dict[str, Any] = {"model": model.model_dump(mode="json")}
        wanted |= {} if length is None or self._once else {"length": length}
        wanted |= {} if task is None else {"task": task.model_dump(mode="json")}
        for entry in self._choices:
            if all(entry[name] == value for name, value in wanted.items()) and entry["chosen"] is not None:
                return entry
        raise NotMeasured(f"No setting of {self._named(model, length)} was chosen.")

    def window(self, model: ModelSpec, length: int | None = None, task: TaskSpec | None = None) -> Measured:
        """How wide the window of learning rates is that work, in decades, over the runs that served to choose."""
        choice = self.choice(model, length, task)
        found = choice["window"]
        if found is None:
            raise NotMeasured(f"Fewer than two learning rates of {self._named(model, length)} were tried.")
        note = "The window reaches the edge of what was tried, and may be wider." if found["open"] else ""
        if found["decades_low"] is None:
            return alone(found["decades"], note)
        return Measured(found["decades"], found["decades_low"], found["decades_high"], choice["repeats"], note)

    @property
    def _once(self) -> bool:
        """Whether one length chose for all."""
        return self.spec.training.tuning is not None and self.spec.training.tuning.length is not None

    @cached_property
    def _choices(self) -> list[dict[str, Any]]:
        tuned: dict[int, list[RunRow]] = defaultdict(list)
        for row in self.rows:
            if not self.grid[row.condition].is_reported:
                tuned[row.condition].append(row)
        return choices(self.spec, self.grid, tuned)

    def seconds_per_epoch(
        self, model: ModelSpec | None = None, length: int | None = None, task: TaskSpec | None = None
    ) -> Floats:
        """Wall seconds of an epoch of each run, its share of the stack that it was trained in."""
        epochs = self.spec.training.most_epochs
        return np.array([(run.seconds or np.nan) / epochs for run in self._runs(model, length, task)])

    def epochs(self, metric: str, model: ModelSpec, length: int | None = None, task: TaskSpec | None = None) -> Floats:
        """A metric of the training or validation set after every epoch, NaN behind the end of a run.

        Shapes:
            (repeats, epochs), the repeats as in ``values``, all epochs that were asked for
        """
        stored = {place: self.histories(place) for place in self._places(model, length, task)}
        runs = self._runs(model, length, task)
        lines = [stored[run.condition].get(run.repeat, {}).get(metric, ()) for run in runs]
        if not any(map(len, lines)):
            raise NotMeasured(f"No epochs of {metric} of {self._named(model, length)} are stored.")
        asked = self.spec.training.most_epochs
        return np.array([[*line, *[np.nan] * (asked - len(line))] for line in lines])

    def probe(
        self, asked: ProbeSpec, model: ModelSpec, length: int | None = None, task: TaskSpec | None = None
    ) -> Mapping[str, Any]:
        """The reading of a probe that the experiment asked, over all repeats of a condition, its numbers as floats."""
        wanted: dict[str, Any] = {"spec": asked.model_dump(mode="json"), "model": model.model_dump(mode="json")}
        wanted |= {} if length is None else {"length": length}
        wanted |= {} if task is None else {"task": task.model_dump(mode="json")}
        for found in self.probes:
            own = found.get("checkpoint", self.spec.report.checkpoint) == self.spec.report.checkpoint
            if own and found["state"] == "succeeded" and all(found[name] == value for name, value in wanted.items()):
                reading: Mapping[str, Any] = numeric(found["result"])
                return reading
        raise NotMeasured(f"The probe {asked.kind} of {self._named(model, length)} is not there.")

    def _places(self, model: ModelSpec | None, length: int | None, task: TaskSpec | None) -> list[int]:
        """Positions in the grid of the conditions that fit."""
        return [
            place
            for place, condition in enumerate(self.grid)
            if condition.is_reported
            and (model is None or condition.model == model)
            and (length is None or condition.length == length)
            and (task is None or condition.task == task)
        ]

    def _runs(self, model: ModelSpec | None, length: int | None, task: TaskSpec | None) -> list[RunRow]:
        """All runs of the conditions that fit; NotMeasured before all have ended: the first are no fair sample."""
        places = set(self._places(model, length, task))
        runs = sorted(
            (run for run in self.rows if run.condition in places), key=lambda run: (run.condition, run.repeat)
        )
        if not runs:
            named = self._named(model, length)
            raise NotMeasured(f"There is no {named}." if self.over else f"No reported run of {named} was begun yet.")
        ended = sum(run.state not in UNFINISHED for run in runs)
        if ended < len(runs):
            raise NotMeasured(f"{ended:,} of {len(runs):,} runs of {self._named(model, length)} have ended.")
        if all(run.state != "succeeded" for run in runs):
            raise NotMeasured(f"No run of {self._named(model, length)} succeeded.")
        return runs

    def _named(self, model: ModelSpec | None, length: int | None) -> str:
        """What was looked for, in words."""
        what = _words(model) if model else "any model"
        return f"{what} at length {length} in {self.name!r}" if length is not None else f"{what} in {self.name!r}"

    def _met(self, run: RunRow) -> bool:
        condition = self.grid[run.condition]
        criterion = self.spec.report.criterion(condition.task, condition.extent)
        variance = condition.task.target_variance(condition.extent)
        return run.diverged_at is None and criterion.holds(run.metrics, variance)


def _final(run: RunRow, metric: str) -> float:
    """A run's final metric; NaN where it has none that counts."""
    counts = run.state == "succeeded" and run.diverged_at is None
    return run.metrics.get(metric, np.nan) if counts else np.nan


def _words(model: ModelSpec) -> str:
    """A model by its kind and what is particular about it: lstm (initialization chrono)."""
    fields = [f"{name.replace('_', ' ')} {value}" for name, value in model.content().items() if name != "kind"]
    return f"{model.kind} ({', '.join(fields)})" if fields else model.kind


@dataclass(frozen=True)
class Evidence:
    """All experiments of one study, by the names that the study gave them."""

    scale: str
    experiments: Mapping[str, ExperimentEvidence]

    def __getitem__(self, name: str) -> ExperimentEvidence:
        """The experiment of a name, or NotMeasured: the scale may not include it."""
        if name not in self.experiments:
            raise NotMeasured(f"The experiment {name!r} is not part of the {self.scale} scale, or was deleted.")
        return self.experiments[name]


@dataclass(frozen=True)
class Followed(Evidence):
    """The same, which knows of which experiments it was asked, in that order and each once."""

    asked: dict[str, ExperimentEvidence] = field(default_factory=dict)

    def __getitem__(self, name: str) -> ExperimentEvidence:
        found = super().__getitem__(name)
        self.asked[name] = found
        return found
