"""Selection: which of some settings is the best by a few runs of each, and how wide the window of good ones is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memspan.statistics.bootstrap import Floats, interval

HALF = 0.5
"""share of runs that must be good where a setting counts as one that works"""


def worst(losses: Floats) -> Floats:
    """Losses in which what is no number is worse than any other."""
    return np.where(np.isfinite(losses), losses, np.inf)


def best(losses: Floats, places: Sequence[tuple[int, ...]]) -> int:
    """The setting of the lowest median loss; of equally good ones that in the middle of their range.

    A loss that is no finite number is the worst, never left out: else a setting that mostly diverges would be judged by
    the runs that did not.

    Args:
        losses: of each setting (S, n).
        places: of each setting in the grid of candidates.
    """
    medians = np.median(worst(losses), axis=1)
    tied = [setting for setting in range(len(medians)) if medians[setting] == medians.min()]
    spots = np.array([places[setting] for setting in tied], dtype=float)
    middle = (spots.min(axis=0) + spots.max(axis=0)) / 2
    away = np.abs(spots - middle).sum(axis=1)
    return tied[int(np.argmin(away))]  # the first of equally near ones: the smaller candidates


@dataclass(frozen=True)
class Median:
    """The median loss of a setting, with the 95 % interval of what it may be; one run has none."""

    value: float
    low: float | None
    high: float | None
    n: int


def median(losses: Floats) -> Median:
    """Of one setting (n,)."""
    found = worst(losses)
    value, n = float(np.median(found)), len(found)
    if n < 2:
        return Median(value, None, None, n)
    low, high = interval(lambda drawn: np.median(drawn, axis=-1), found)
    return Median(value, float(low), float(high), n)


@dataclass(frozen=True)
class Window:
    """The rates that work: those at which at least half of the runs are good.

    Attributes:
        low, high: the least and the largest of them; None where none works.
        decades: how wide it is, gaps left out, with its 95 % interval over runs; one run has none.
        open: whether it reaches the least or the largest candidate, so that it may be wider than seen.
    """

    low: float | None
    high: float | None
    decades: float
    decades_low: float | None
    decades_high: float | None
    open: bool


def window(rates: Sequence[float], good: Floats) -> Window:
    """The window of some rates, ascending, at least two: between them the share of good runs is drawn straight over the
    logarithm of the rate.

    Runs of one number began from the same weights at each rate, and are drawn together.

    Args:
        good: 1 where a run was good, else 0 (S, n).

    Source:
        arXiv 2508.19029, whose windows of learning rates this makes a number.
    """
    places, shares = np.log10(np.array(rates)), good.mean(axis=1)
    starts, stops = _pieces(places, shares[None])
    works = np.maximum(shares[:-1], shares[1:]) >= HALF
    low, high = (float(starts[0][works].min()), float(stops[0][works].max())) if works.any() else (None, None)
    ends: tuple[float | None, float | None] = (None, None)
    if good.shape[1] > 1:
        drawn = interval(lambda each: width(places, np.moveaxis(each.mean(axis=-1), 0, -1)), good)
        ends = (float(drawn[0]), float(drawn[1]))
    return Window(
        low=_rate(low, places, rates),
        high=_rate(high, places, rates),
        decades=float(width(places, shares[None])[0]),
        decades_low=ends[0],
        decades_high=ends[1],
        open=bool(shares[0] >= HALF or shares[-1] >= HALF),
    )


def _rate(place: float | None, places: Floats, rates: Sequence[float]) -> float | None:
    """The rate at a place of the logarithm; a candidate is given as it is."""
    if place is None:
        return None
    at = int(np.argmin(np.abs(places - place)))
    return rates[at] if places[at] == place else float(10**place)


def width(places: Floats, shares: Floats) -> Floats:
    """How much of the logarithm has a share of at least one half (R,), of shares (R, S)."""
    starts, stops = _pieces(places, shares)
    width: Floats = (stops - starts).sum(axis=-1)
    return width


def _pieces(places: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Between which places of each gap between candidates the share is at least one half (R, S - 1); where it is
    nowhere, both are the gap's end."""
    left, right = shares[..., :-1], shares[..., 1:]
    slope = np.where(right == left, 1, right - left)
    crossing = (HALF - left) / slope
    start = np.where(left >= HALF, 0, np.where(right >= HALF, crossing, 1))
    stop = np.where((right >= HALF) | (left < HALF), 1, crossing)
    ends = places[:-1], places[1:]
    return _between(*ends, start), _between(*ends, stop)


def _between(first: Floats, last: Floats, share: Floats) -> Floats:
    """A share of the way; the ends are met exactly."""
    inside = first + share * (last - first)
    return np.where(share == 0, first, np.where(share == 1, last, inside))
