"""Tuning: the setting by which the runs of some conditions are trained, chosen by runs of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from memspan.experiment.run_row import RunRow
from memspan.experiment.series import Series
from memspan.experiment.spec import ExperimentSpec
from memspan.statistics.bootstrap import Floats
from memspan.statistics.selection import best
from memspan.training import Training

METRIC = "validation_loss"
"""what is compared: of sequences that no reported run is trained or tested on"""
Places = tuple[tuple[int, ...], ...]


def chosen(spec: ExperimentSpec, series: Series, rows: Iterable[RunRow]) -> int | None:
    """The setting of a series by its runs that serve to choose it; None while one of them has not ended well.

    So nothing is chosen from fewer runs than were asked for: a run that fails leaves the choice open until it is tried
    again. One that diverged has ended well, with the worst loss of all.
    """
    runs = tuned_runs(series, rows)
    if not all(_complete(spec, own) for own in runs):
        return None
    return best(losses(runs), places(spec.training))


def tuned_runs(series: Series, rows: Iterable[RunRow]) -> list[list[RunRow]]:
    """The runs that serve to choose a setting, for each setting in the order of repeats."""
    found: dict[int, list[RunRow]] = defaultdict(list)
    for row in rows:
        if row.condition in series.tuning:
            found[row.condition].append(row)
    return [sorted(found[position], key=lambda row: row.repeat) for position in series.tuning]


def _complete(spec: ExperimentSpec, runs: Sequence[RunRow]) -> bool:
    """Whether all runs of a setting have ended well."""
    asked = spec.training.tuning.repeats if spec.training.tuning else 0
    return sum(row.state == "succeeded" for row in runs) == asked


def losses(runs: Sequence[Sequence[RunRow]]) -> Floats:
    """The validation losses of equally many runs of each setting (S, n), infinite where one diverged."""
    return np.array([[loss(row) for row in own] for own in runs])


def loss(row: RunRow) -> float:
    """A run's validation loss; that of one that diverged is infinite."""
    return float("inf") if row.diverged_at is not None else row.metrics.get(METRIC, float("inf"))


def places(training: Training) -> Places:
    """Where each setting lies in the grid of candidates."""
    axes = training.tuned
    return tuple(tuple(values.index(setting[name]) for name, values in axes.items()) for setting in training.settings)
