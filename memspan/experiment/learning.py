"""Learning curves: a validation metric by epoch, over the repeats of a condition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from memspan.engine.condition import Condition
from memspan.experiment.course import Courses, bound_of, course, judged_by, looked_at
from memspan.experiment.grid import conditions
from memspan.experiment.spec import ExperimentSpec
from memspan.statistics.summary import summarize_many

SPLIT = "validation"
MEASURES = ("loss", "accuracy")
Histories = Mapping[tuple[int, int], Mapping[str, Sequence[float]]]
"""(position of a condition in the grid, repeat) -> metrics of the run by name, a value for each epoch from 1"""


def learning_curves(spec: ExperimentSpec, histories: Histories) -> list[dict[str, Any]]:
    """One curve for each metric and condition. A run that had converged keeps its last value while others go on."""
    grid = conditions(spec)
    return [
        learning_curve(grid[position], metric, epochs)
        for metric in MEASURES
        for position, epochs in sorted(_lines(spec, histories, f"{SPLIT}_{metric}").items())
    ]


def courses(spec: ExperimentSpec, histories: Histories) -> Courses:
    """The course of each condition that has histories."""
    grid, epochs = conditions(spec), set(looked_at(spec.training.most_epochs))
    found: dict[int, list[tuple[int, int, float]]] = defaultdict(list)
    for (position, repeat), metrics in histories.items():
        if not grid[position].is_reported:
            continue
        values = metrics.get(f"{SPLIT}_{judged_by(spec, grid[position])}", ())
        found[position] += [(repeat, epoch, value) for epoch, value in enumerate(values, start=1)]
    return {
        position: course(
            sorted(epochs), (each for each in own if each[1] in epochs), first_met(own, *bound_of(spec, grid[position]))
        )
        for position, own in found.items()
    }


def first_met(values: Iterable[tuple[int, int, float]], above: bool, bound: float) -> dict[int, int]:
    """The first epoch after which each repeat met the criterion, without those that never did.

    Args:
        values: (repeat, epoch, value) in any order.
    """
    found: dict[int, int] = {}
    for repeat, epoch, value in values:
        if (value >= bound if above else value <= bound) and epoch < found.get(repeat, epoch + 1):
            found[repeat] = epoch
    return found


def _lines(spec: ExperimentSpec, histories: Histories, name: str) -> dict[int, dict[int, list[float]]]:
    """Position of a condition -> epoch -> a metric of the repeats that were trained so far."""
    lines: dict[int, list[Sequence[float]]] = defaultdict(list)
    grid = conditions(spec)
    for (position, _), metrics in sorted(histories.items()):
        if (values := metrics.get(name)) and grid[position].is_reported:
            lines[position].append(values)
    return {position: by_epoch(of_runs, spec.training.until_converged) for position, of_runs in lines.items()}


def by_epoch(lines: Sequence[Sequence[float]], kept: bool) -> dict[int, list[float]]:
    """The values after each epoch, of all runs that have one; ``kept`` ones stay after the end of their run."""
    longest = max(map(len, lines))
    full = [[*values, *[values[-1]] * (longest - len(values))] if kept else values for values in lines]
    return {epoch: [values[epoch - 1] for values in full if epoch <= len(values)] for epoch in range(1, longest + 1)}


def learning_curve(condition: Condition, metric: str, epochs: Mapping[int, Sequence[float]]) -> dict[str, Any]:
    """A metric's mean with its interval after each epoch; a run that diverged has no values after that."""
    most = max(map(len, epochs.values()))
    padded = np.array([[*values, *[np.nan] * (most - len(values))] for values in epochs.values()])
    summaries = summarize_many(padded)
    return {
        "task": condition.task.model_dump(mode="json"),
        "model": condition.model.model_dump(mode="json"),
        "length": condition.length,
        "split": SPLIT,
        "name": metric,
        "epochs": list(epochs),
        "mean": [summary.mean for summary in summaries],
        "low": [summary.low for summary in summaries],
        "high": [summary.high for summary in summaries],
        "n": most,
    }
