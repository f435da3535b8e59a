"""The bootstrap: how far a number could have come out elsewhere, told by drawing anew what it is made of.

The one home of the level of all intervals, of how often is drawn, and of what is drawn: the repeats or sequences of
one or of several groups, alone or in pairs; weights, where only sums matter; and counts of successes. Every draw is
seeded by how many things it draws from, so the same values always get the same interval.

Source:
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapters 6, 8 and 13: percentile intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ends: TypeAlias = tuple[Floats, Floats]
"""low and high, of one shape"""

LEVEL = 0.95
"""of every interval"""
RESAMPLES = 2_000
"""The end of a normal mean's interval then has a deviation of .06 standard errors from draw to draw."""
VALUES_AT_ONCE = 4_000_000
"""numbers of resamples that are held at once: 32 MB"""
WEIGHTS_KEPT = 1_000_000
"""So few weights are kept for the next call: the conditions of an experiment ask for the same ones again."""
FEW = 5
"""values up to which a mean's resamples are mostly alike: of five there are 126"""
ROWS_AT_ONCE = 2_048
"""rows whose means are resampled at once: 32 MB of means"""


def interval(statistic: Callable[..., Floats], *groups: Floats, paired: bool = False) -> Ends:
    """Of a statistic of groups of values, such as repeats, or the sequences of one model.

    Args:
        statistic: takes an array (..., n) for each group and works over the last axis.
        groups: (n,) each, of a size of its own, or one (X, n) whose rows are drawn together.
        paired: value i of each group belongs to one repeat, and they are drawn together.
    """
    drawing = [_generator(group.shape[-1], 0 if paired else number) for number, group in enumerate(groups)]
    found = [
        statistic(*(_drawn(group, count, rng) for group, rng in zip(groups, drawing, strict=True)))
        for count in _blocks(sum(group.size for group in groups))
    ]
    return ends(np.concatenate(found, axis=-1))


def weighted_interval(statistic: Callable[[Floats], Floats], n: int) -> Ends:
    """Of a statistic that knows its ``n`` values by their sums only, such as a mean or a correlation.

    Args:
        statistic: takes how much each value weighs in each resample, (R, n) with rows that add up to 1, and gives
            (R, ...).
    """
    found = [statistic(weights) for weights in _weights(n)]
    return ends(np.moveaxis(np.concatenate(found), 0, -1))


def bootstrap_mean(values: Floats) -> Ends:
    """Of the mean of each row of finite values, which is the same whatever rows stand beside it.

    One value has no spread to resample, so low = high = value; no values give NaN.

    Shapes:
        values (K, n) -> low (K,), high (K,)
    """
    rows, n = values.shape
    low, high = np.full(rows, np.nan), np.full(rows, np.nan)
    for start in range(0, rows if n else 0, ROWS_AT_ONCE):
        some = slice(start, start + ROWS_AT_ONCE)
        found = _mean_interval(values[some])
        # Rounding of the products must not push an end past the values themselves.
        low[some], high[some] = np.clip(found, values[some].min(axis=1), values[some].max(axis=1))
    return low, high


def _mean_interval(values: Floats) -> Ends:
    """Of the mean of each row (K, n) with n > 0.

    Few values are drawn in few ways, the most often of which are the same: each mean is worked out once.
    """
    n = values.shape[1]
    if n > FEW:
        return weighted_interval(lambda weights: _weighted_means(weights, values), n)
    ways, times = _ways(n)
    means = _weighted_means(ways, values)  # (W, K)
    order = np.argsort(means, axis=0)
    drawn = np.cumsum(times[order], axis=0)  # how many resamples have a mean up to each
    tail = round((1 - LEVEL) / 2 * (RESAMPLES - 1))
    places = ((drawn <= place).sum(axis=0)[None] for place in (tail, RESAMPLES - 1 - tail))
    low, high = (np.take_along_axis(means, np.take_along_axis(order, at, axis=0), axis=0)[0] for at in places)
    return low, high


def _weighted_means(weights: Floats, values: Floats) -> Floats:
    """Not a BLAS product: that would round a row differently depending on how many rows stand beside it.

    Shapes:
        weights (R, n), values (K, n) -> (R, K)
    """
    return np.asarray(np.einsum("rn,kn->rk", weights, values))


@lru_cache(maxsize=FEW)
def _ways(n: int) -> tuple[Floats, NDArray[np.int64]]:
    """The different resamples of ``n`` values as weights (W, n), and how many there are of each (W,)."""
    ways, times = np.unique(_kept_weights(n), axis=0, return_counts=True)
    return ways, times


def redrawn_successes(rates: Floats, totals: Floats, resamples: int = RESAMPLES, group: int = 0) -> Floats:
    """How many of ``totals`` (L,) repeats succeed that do so at some ``rates`` (L,): (R, L).

    Args:
        group: draws of several have nothing to do with each other.
    """
    drawn = _generator(0, group).binomial(totals.astype(int), rates, size=(resamples, len(totals)))
    return drawn.astype(np.float64)


def redealt_successes(won: Floats, first: Floats, second: Floats) -> Floats:
    """How many of ``won`` (L,) successes fall to the first of two groups (L,) when they are dealt at random: (R, L)."""
    lost = first + second - won
    dealt = _generator(0).hypergeometric(
        won.astype(int), lost.astype(int), first.astype(int), size=(RESAMPLES, len(won))
    )
    return dealt.astype(np.float64)


def resampled(statistic: Callable[[Floats], Floats], values: Floats, group: int = 0) -> Floats:
    """A statistic over the last axis of each resample of some values (n,): (R,)."""
    rng = _generator(len(values), group)
    found = [statistic(_drawn(values, count, rng)) for count in _blocks(len(values))]
    return np.concatenate(found)


def ends(drawn: Floats) -> Ends:
    """Between which the level's share of resamples (..., R) lie; those without a value (0 / 0) are left out.

    Each end is a value of some resample: between two infinities, or two steps of a count, lies nothing.
    """
    last = np.maximum(np.sum(~np.isnan(drawn), axis=-1, keepdims=True) - 1, 0)
    tail = np.rint((1 - LEVEL) / 2 * last).astype(int)
    ordered = np.partition(drawn, np.unique([tail, last - tail]), axis=-1)  # NaN last; only these places are in order
    low, high = (np.take_along_axis(ordered, place, axis=-1)[..., 0] for place in (tail, last - tail))
    return low, high


def _generator(n: int, group: int = 0) -> np.random.Generator:
    """The draws from ``n`` values; those of several groups have nothing to do with each other."""
    return np.random.default_rng((n, group))


def _drawn(group: Floats, count: int, rng: np.random.Generator) -> Floats:
    """``count`` resamples of a group (..., n): (..., count, n)."""
    n = group.shape[-1]
    return np.take(group, rng.integers(0, n, (count, n)), axis=-1)


def _blocks(size: int) -> Iterator[int]:
    """How many resamples of ``size`` values to take at once, until all are taken."""
    most = max(1, VALUES_AT_ONCE // max(1, size))
    yield from (min(most, RESAMPLES - start) for start in range(0, RESAMPLES, most))


def _weights(n: int) -> Iterator[Floats]:
    """How much each of ``n`` values weighs in each resample, in blocks (r, n)."""
    if n * RESAMPLES <= WEIGHTS_KEPT:
        yield _kept_weights(n)
    else:
        yield from _weights_drawn(n)


@lru_cache(maxsize=16)
def _kept_weights(n: int) -> Floats:
    (weights,) = _weights_drawn(n)
    weights.setflags(write=False)
    return weights


def _weights_drawn(n: int) -> Iterator[Floats]:
    rng = _generator(n)
    for count in _blocks(n):
        places = rng.integers(0, n, (count, n)) + n * np.arange(count)[:, None]
        yield np.bincount(places.ravel(), minlength=count * n).reshape(count, n) / n
