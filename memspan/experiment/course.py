"""The course of training: the validation metric that success is judged by, of all repeats of a condition, by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np

from memspan.engine.condition import Condition
from memspan.experiment.report import SolvedIf
from memspan.experiment.spec import ExperimentSpec
from memspan.statistics.bootstrap import Floats
from memspan.statistics.convergence import tail

ALL = 64
"""epochs of which every one is looked at; of more some"""
BUDGETS = 12
"""budgets at most at which a memory span is told: epochs spread evenly over the logarithm"""
TAIL = 32
"""epochs at most that tell whether a run still improved"""


@dataclass(frozen=True)
class Course:
    """Values of a validation metric.

    Attributes:
        epochs: ascending, from 1.
        repeats: in the order of the rows of ``values``.
        first_met: the first epoch after which a repeat met the criterion, by repeat; those that never did are missing.

    Shapes:
        values (repeats, epochs), NaN behind the end of a run
    """

    epochs: tuple[int, ...]
    repeats: tuple[int, ...]
    values: Floats
    first_met: Mapping[int, int] = field(default_factory=dict)

    def at(self, repeats: Sequence[int], epochs: Sequence[int]) -> Floats:
        """Values of some repeats after some epochs; NaN where there is none: (repeats, epochs)."""
        rows, columns = ({each: place for place, each in enumerate(have)} for have in (self.repeats, self.epochs))
        found = np.full((len(repeats), len(epochs)), np.nan)
        known = [(into, rows[repeat]) for into, repeat in enumerate(repeats) if repeat in rows]
        wanted = [(into, columns[epoch]) for into, epoch in enumerate(epochs) if epoch in columns]
        if known and wanted:
            (to, row), (at, column) = (np.array(each).T for each in (known, wanted))
            found[np.ix_(to, at)] = self.values[np.ix_(row, column)]
        return found


Courses = Mapping[int, Course]
"""by the position of the condition in the grid"""
Values = Iterable[tuple[int, int, float]]
"""(repeat, epoch, value)"""


def course(epochs: Sequence[int], values: Values, first_met: Mapping[int, int]) -> Course:
    """The course of one condition from its values, in any order."""
    by_repeat: dict[int, dict[int, float]] = {}
    for repeat, epoch, value in values:
        by_repeat.setdefault(repeat, {})[epoch] = value
    repeats = tuple(sorted(by_repeat))
    table = np.array([[by_repeat[repeat].get(epoch, np.nan) for epoch in epochs] for repeat in repeats])
    return Course(tuple(epochs), repeats, table.reshape(len(repeats), len(epochs)), first_met)


def looked_at(epochs: int) -> tuple[int, ...]:
    """The epochs of a training that its course is told by."""
    if epochs <= ALL:
        return tuple(range(1, epochs + 1))
    return tuple(sorted({*budget_epochs(epochs), *tail_epochs(epochs)}))


def tail_epochs(epochs: int) -> tuple[int, ...]:
    """Epochs, evenly spread, that tell whether a run still improved."""
    last = tail(epochs)
    return tuple(range(epochs, epochs - last, -ceil(last / TAIL)))[::-1]


def budget_epochs(epochs: int) -> tuple[int, ...]:
    """Epochs after which a memory span is told: all of few, and of many some that grow by a factor."""
    grown = np.geomspace(1, epochs, min(BUDGETS, epochs)) if epochs > BUDGETS else np.arange(1, epochs + 1)
    return tuple(sorted({round(float(each)) for each in grown}))


def judged_by(spec: ExperimentSpec, condition: Condition) -> str:
    """What is validated of a condition, e.g. ``accuracy``: the measure that its success is judged by."""
    return criterion_of(spec, condition).metric.partition("_")[2]


def criterion_of(spec: ExperimentSpec, condition: Condition) -> SolvedIf:
    """The criterion of success in force for a condition."""
    return spec.report.criterion(condition.task, condition.extent)


def bound_of(spec: ExperimentSpec, condition: Condition) -> tuple[bool, float]:
    """The bound of that criterion, and whether a value above it is a success."""
    return criterion_of(spec, condition).bound(condition.task.target_variance(condition.extent))
