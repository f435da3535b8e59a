"""Tuned learning rates as claims need them: how the runs did that served to choose one, at each candidate."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from memspan.claims.evidence import ExperimentEvidence
from memspan.claims.measured import Floats, Measured, NotMeasured, alone
from memspan.experiment.choices import is_good
from memspan.experiment.run_row import RunRow
from memspan.experiment.series import Series, all_series
from memspan.experiment.tuning import tuned_runs
from memspan.interfaces.model import ModelSpec
from memspan.statistics.bootstrap import interval
from memspan.statistics.selection import width
from memspan.training import RATE

Score: TypeAlias = Callable[[int, RunRow], float]
"""(position of the condition in the grid, run) -> number"""


def window_difference(found: ExperimentEvidence, first: ModelSpec, second: ModelSpec) -> Measured:
    """By how many decades the first model's window of rates that work is wider than the second's.

    Resampled by seed, the same seeds for both: run r of each began from seeds of the same number. A window that
    reaches the least or the largest rate that was tried may be wider than it was seen to be; the note says so.
    """
    rates = np.log10(np.array(found.spec.training.tuned[RATE]))
    good = [_scores(found, model, lambda place, run: _good(found, place, run)) for model in (first, second)]

    def difference(one: Floats, other: Floats) -> Floats:
        """Of (S, ..., n) each."""
        widths = [_widths(rates, each) for each in (one, other)]
        return widths[0] - widths[1]

    return _resampled(difference, *good, note=f"Decades: {_told(rates, good[0])} and {_told(rates, good[1])}.")


def best_rate(found: ExperimentEvidence, model: ModelSpec, floor: float) -> Measured:
    """The largest mean validation accuracy over the candidates; a run that diverged counts as ``floor``."""
    scores = _scores(found, model, lambda place, run: _accuracy(run, floor))
    return _resampled(lambda each: each.mean(axis=-1).max(axis=0), scores)


def _resampled(statistic: Callable[..., Floats], *groups: Floats, note: str = "") -> Measured:
    """Of groups (S, n) whose columns are drawn together."""
    n, value = groups[0].shape[1], float(statistic(*groups))
    if n == 1:
        return alone(value, note)
    low, high = map(float, interval(statistic, *groups, paired=True))
    return Measured(value, min(low, value), max(high, value), n, note)


def _widths(rates: Floats, good: Floats) -> Floats:
    """Decades of the windows of (S, ..., n) runs: (...)."""
    shares = np.moveaxis(good.mean(axis=-1), 0, -1)  # (..., S)
    found: Floats = width(rates, np.atleast_2d(shares)).reshape(shares.shape[:-1])
    return found


def _told(rates: Floats, good: Floats) -> str:
    """A window in words."""
    share = good.mean(axis=1)
    open_ended = " or more" if max(share[0], share[-1]) >= 0.5 else ""
    return f"{float(_widths(rates, good)):.2f}{open_ended}"


def _good(found: ExperimentEvidence, place: int, run: RunRow) -> float:
    return float(is_good(found.spec, found.grid[place], run))


def _accuracy(run: RunRow, floor: float) -> float:
    return floor if run.diverged_at is not None else run.metrics.get("validation_accuracy", floor)


def _scores(found: ExperimentEvidence, model: ModelSpec, score: Score) -> Floats:
    """A number for each run that served to choose (S, n), by rate and seed.

    Raises:
        NotMeasured: the model's rate isn't tuned here, or not all of these runs have ended well.
    """
    series = _series(found, model)
    runs = tuned_runs(series, found.rows)
    asked = found.spec.training.tuning.repeats if found.spec.training.tuning else 0
    ended = sum(row.state == "succeeded" for own in runs for row in own)
    if ended < asked * len(runs):
        raise NotMeasured(f"{asked * len(runs) - ended} runs that choose the rate of {model.kind} have not ended well.")
    return np.array([[score(place, row) for row in own] for place, own in zip(series.tuning, runs, strict=True)])


def _series(found: ExperimentEvidence, model: ModelSpec) -> Series:
    """Of the first task and length that a model is tuned on."""
    for series in all_series(found.spec):
        if series.settings and found.grid[series.positions[0]].model == model:
            return series
    raise NotMeasured(f"The learning rate of {model.kind} is not tuned in {found.name!r}.")
