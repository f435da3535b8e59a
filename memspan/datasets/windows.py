"""Windows: what a model sees of series, and the points that all contexts are trained, validated and tested on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from memspan.datasets.grid import Gridded, Numbers, Unfit

FEWEST_POINTS = 60
"""usable points of a data set, below which nothing can be learned from it"""
MOST_POINTS = 200_000
"""points of one part; of more, some that are evenly spread"""
Split = Literal["train", "validation", "test"]
Points = NDArray[np.int64]


@dataclass(frozen=True)
class Shares:
    """How series are divided.

    Attributes:
        gap: rows between two parts.
        by: ``time`` inside each series, or whole ``series``.
    """

    validation: float
    test: float
    gap: int
    by: Literal["time", "series"]


@dataclass(frozen=True, eq=False)
class Windows:
    """Series end to end, scaled, with the last row of each window of each part.

    Attributes:
        inputs: (R, C); target: (R,) in the same scale, NaN where it isn't known.
        points: rows at which windows end, ascending; the target lies ``horizon`` rows behind.
        past: the target where all that is missing was filled in, for baselines that look back (R,).
        begins: the first row of each row's series (R,).
    """

    inputs: Numbers
    target: Numbers
    past: Numbers
    begins: Points
    points: dict[Split, Points]
    horizon: int


def windows(series: Sequence[Gridded], longest: int, horizon: int, shares: Shares, scaled: bool) -> Windows:
    """Windows of up to ``longest`` rows over some series.

    Every context is scored on the same points: those that have ``longest`` rows before them. Means and deviations are
    those of each series' training part; where whole series are divided, of all training series.

    Raises:
        Unfit: too few points are left, or the target is constant.
    """
    parts = _divided(series, horizon, shares)
    pooled = shares.by == "series"
    measured = [_measured(one, stop) for one, stop in zip(series, parts.train_stops, strict=True)]
    if pooled:
        together = [_measured(one, stop) for one, stop in zip(series, parts.train_stops, strict=True) if stop]
        measured = [_mean_of(together)] * len(series)
    shown = [_scaled(one, *numbers) if scaled else one for one, numbers in zip(series, measured, strict=True)]
    starts = np.concatenate([[0], np.cumsum([one.rows for one in series])])
    points: dict[Split, list[Points]] = {"train": [], "validation": [], "test": []}
    for one, start, split in zip(shown, starts, parts.targets, strict=False):
        usable = _usable(one, longest, horizon)
        for name, (low, high) in split.items():
            inside = usable[(usable + horizon >= low) & (usable + horizon < high)]
            points[name].append(inside + start)
    found = {name: _thinned(np.concatenate(each)) for name, each in points.items()}
    _check(found, longest, horizon, shares)
    if scaled and all(numbers[1][0] == 0 for numbers in measured):
        raise Unfit("target", "constant", "The target has one value only in the training part: nothing is to learn.")
    target = np.concatenate([one.target for one in shown])
    past = np.concatenate([_carried(one.target) for one in shown])
    begins = np.repeat(starts[:-1], [one.rows for one in series])
    return Windows(np.concatenate([one.inputs for one in shown]), target, past, begins, found, horizon)


@dataclass(frozen=True)
class _Parts:
    targets: list[dict[Split, tuple[int, int]]]
    """of each series, the rows of its targets by part"""
    train_stops: list[int]


def _divided(series: Sequence[Gridded], horizon: int, shares: Shares) -> _Parts:
    if shares.by == "time":
        targets = [_in_time(one.rows, shares) for one in series]
        return _Parts(targets, [each["train"][1] for each in targets])
    count = len(series)
    test, validation = (max(1, round(share * count)) for share in (shares.test, shares.validation))
    if count < test + validation + 1:
        raise Unfit("split", "too_few_series", f"Dividing by series needs three of them or more; there are {count}.")
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0)).tolist()
    name_of: dict[int, Split] = {int(place): "train" for place in order}
    name_of |= {int(place): "test" for place in order[:test]}
    name_of |= {int(place): "validation" for place in order[test : test + validation]}
    targets = [{name_of[place]: (0, one.rows)} for place, one in enumerate(series)]
    return _Parts(targets, [one.rows if name_of[place] == "train" else 0 for place, one in enumerate(series)])


def _in_time(rows: int, shares: Shares) -> dict[Split, tuple[int, int]]:
    """Training, gap, validation, gap, test."""
    test = rows - round(shares.test * rows)
    validation_stop = max(test - shares.gap, 0)
    validation = max(validation_stop - round(shares.validation * rows), 0)
    return {
        "train": (0, max(validation - shares.gap, 0)),
        "validation": (validation, validation_stop),
        "test": (test, rows),
    }


def _measured(one: Gridded, stop: int) -> tuple[Numbers, Numbers]:
    """Mean and deviation of the target and each input before a row, (1 + C,)."""
    both = np.column_stack([one.target, one.inputs])[:stop]
    counts = (~np.isnan(both)).sum(0)
    sums = np.nansum(both, axis=0)
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    squares = np.nansum((both - means) ** 2, axis=0)
    return means, np.sqrt(np.divide(squares, counts, out=np.zeros_like(sums), where=counts > 0))


def _mean_of(measured: Sequence[tuple[Numbers, Numbers]]) -> tuple[Numbers, Numbers]:
    """Of several series that count alike."""
    means = np.stack([mean for mean, _ in measured])
    within = np.stack([deviation for _, deviation in measured]) ** 2
    return means.mean(0), np.sqrt(within.mean(0) + means.var(0))


def _scaled(one: Gridded, means: Numbers, deviations: Numbers) -> Gridded:
    by = np.where(deviations > 1e-12 * np.maximum(np.abs(means), 1e-300), deviations, 1.0)
    return Gridded((one.target - means[0]) / by[0], (one.inputs - means[1:]) / by[1:], one.known)


def _usable(one: Gridded, longest: int, horizon: int) -> Points:
    """Rows with ``longest`` inputs up to them, all there at the last, and a target that is known."""
    lacking = np.isnan(one.inputs).any(1)
    before = np.concatenate([[0], np.cumsum(lacking)])
    rows = np.arange(longest - 1, one.rows - horizon)
    whole = before[rows + 1] == before[rows + 1 - longest]
    found: Points = rows[whole & one.known[rows] & ~np.isnan(one.target[rows + horizon])]
    return found


def _thinned(points: Points) -> Points:
    if len(points) <= MOST_POINTS:
        return points
    return points[np.linspace(0, len(points) - 1, MOST_POINTS).round().astype(np.int64)]


def _check(points: dict[Split, Points], longest: int, horizon: int, shares: Shares) -> None:
    total = sum(len(each) for each in points.values())
    empty = next((name for name, each in points.items() if not len(each)), None)
    if total >= FEWEST_POINTS and empty is None:
        return
    message = (
        f"With contexts up to {longest} steps, the horizon {horizon} and gaps of {shares.gap} rows there are "
        f"{', '.join(f'{len(each)} points for {name}' for name, each in points.items())}; needed are "
        f"{FEWEST_POINTS} in all and some for each. Take shorter contexts or a smaller `split.gap`."
    )
    raise Unfit("dataset", "too_short", message)


def _carried(values: Numbers) -> Numbers:
    """The last value that was known, 0 before the first."""
    there = ~np.isnan(values)
    place = np.maximum.accumulate(np.where(there, np.arange(len(values)), -1))
    return np.where(place >= 0, values[np.maximum(place, 0)], 0.0)
