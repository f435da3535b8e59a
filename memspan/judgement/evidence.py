"""What a study's experiments found, as claims ask for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from memspan.engine.population import Condition
from memspan.experiment.grid import conditions
from memspan.experiment.results import RunRow
from memspan.experiment.spec import ExperimentSpec
from memspan.judgement.measured import Flags, Floats
from memspan.parts.model import ModelSpec
from memspan.parts.probe import ProbeSpec
from memspan.parts.task import TaskSpec

History = Mapping[str, Sequence[float]]
"""Metrics of one run by name, a value for each epoch."""


class NotMeasured(LookupError):
    """A claim needs what was not run, or is not finished yet; the message says what."""


@dataclass(frozen=True)
class Part:
    """One experiment of a study.

    Attributes:
        rows: its runs.
        probes: its stored probes as results show them (kind, spec, task, model, length, n, state, result).
        histories: position of a condition in the grid -> repeat -> metrics of every epoch.
    """

    name: str
    spec: ExperimentSpec
    rows: Sequence[RunRow]
    probes: Sequence[Mapping[str, Any]] = ()
    histories: Callable[[int], Mapping[int, History]] = lambda position: {}

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
        """A final metric of every succeeded run of the conditions that fit, in the order of grid and repeat.

        A diverged run counts as NaN, whatever it measured. None fits every model, length or task.
        """
        runs = self._runs(model, length, task)
        return np.array([np.nan if run.diverged_at is not None else run.metrics.get(metric, np.nan) for run in runs])

    def solved(self, model: ModelSpec | None = None, length: int | None = None, task: TaskSpec | None = None) -> Flags:
        """Whether each run met the experiment's criterion; a diverged one never does."""
        return np.array([self._met(run) for run in self._runs(model, length, task)], dtype=bool)

    def seconds_per_epoch(
        self, model: ModelSpec | None = None, length: int | None = None, task: TaskSpec | None = None
    ) -> Floats:
        """Wall seconds of an epoch of each run, its share of the stack that it was trained in."""
        epochs = self.spec.training.epochs
        return np.array([(run.seconds or np.nan) / epochs for run in self._runs(model, length, task)])

    def epochs(self, metric: str, model: ModelSpec, length: int | None = None, task: TaskSpec | None = None) -> Floats:
        """A metric after every epoch, (repeats, epochs)."""
        places = self._places(model, length, task)
        lines = [list(run[metric]) for place in places for _, run in sorted(self.histories(place).items())]
        if not lines:
            raise NotMeasured(f"No epochs of {self._named(model, length)} are stored.")
        longest = max(map(len, lines))
        return np.array([line + [np.nan] * (longest - len(line)) for line in lines])

    def probe(
        self, asked: ProbeSpec, model: ModelSpec, length: int | None = None, task: TaskSpec | None = None
    ) -> Mapping[str, Any]:
        """The reading of a probe that the experiment asked, over all repeats of a condition."""
        spec = asked.model_dump(mode="json")
        for found in self.probes:
            fits = found["spec"] == spec and found["model"] == model.model_dump(mode="json")
            fits = fits and (length is None or found["length"] == length)
            fits = fits and (task is None or found["task"] == task.model_dump(mode="json"))
            if fits and found["state"] == "succeeded":
                reading: Mapping[str, Any] = found["result"]
                return reading
        raise NotMeasured(f"The probe {asked.kind} of {self._named(model, length)} is not there.")

    def _places(self, model: ModelSpec | None, length: int | None, task: TaskSpec | None) -> list[int]:
        """Positions in the grid of the conditions that fit."""
        return [
            place
            for place, condition in enumerate(self.grid)
            if (model is None or condition.model == model)
            and (length is None or condition.length == length)
            and (task is None or condition.task == task)
        ]

    def _runs(self, model: ModelSpec | None, length: int | None, task: TaskSpec | None) -> list[RunRow]:
        places = set(self._places(model, length, task))
        runs = [run for run in self.rows if run.condition in places and run.state == "succeeded"]
        if not runs:
            raise NotMeasured(f"No finished run of {self._named(model, length)}.")
        return sorted(runs, key=lambda run: (run.condition, run.repeat))

    def _named(self, model: ModelSpec | None, length: int | None) -> str:
        """What was looked for, in words."""
        what = model.kind if model else "any model"
        return f"{what} at length {length} in {self.name!r}" if length is not None else f"{what} in {self.name!r}"

    def _met(self, run: RunRow) -> bool:
        condition = self.grid[run.condition]
        criterion = self.spec.report.criterion(condition.task, condition.extent)
        variance = condition.task.target_variance(condition.extent)
        return run.diverged_at is None and criterion.holds(run.metrics, variance)


@dataclass(frozen=True)
class Evidence:
    """All experiments of one study, by the names that the study gave them."""

    scale: str
    parts: Mapping[str, Part]

    def __getitem__(self, name: str) -> Part:
        """The experiment of a name, or NotMeasured: the scale may not include it."""
        if name not in self.parts:
            raise NotMeasured(f"The {self.scale} scale does not run {name!r}.")
        return self.parts[name]
