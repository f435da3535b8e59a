"""Intervals over repeats: the percentile bootstrap of a mean and Wilson's interval of a rate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

# Rows bootstrapped at once: keeps the (rows, resamples) table of means near 32 MB whatever K is.
ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval ``low <= high`` in the unit of what it encloses."""

    low: float
    high: float


@lru_cache(maxsize=64)
def resample_weights(n: int, seed: int, resamples: int) -> Floats:
    """How much each of ``n`` values weighs in each resample; rows sum to 1.

    A resample's mean is then a dot product and many conditions share one set of draws: the same values give the
    same interval whatever else is summarized beside them.

    Shapes:
        (resamples, n)
    """
    drawn = np.random.default_rng((seed, n, resamples)).integers(0, n, size=(resamples, n))
    rows = np.repeat(np.arange(resamples), n)
    counts = np.bincount(rows * n + drawn.ravel(), minlength=resamples * n)
    weights = counts.reshape(resamples, n) / n
    weights.setflags(write=False)
    return weights


def bootstrap_mean(values: Floats, seed: int = 0, resamples: int = 1000, level: float = 0.95) -> tuple[Floats, Floats]:
    """Percentile bootstrap interval of the mean of each row.

    ``values`` must be finite. One value has no spread to resample, so low = high = value; no values give NaN.

    Shapes:
        values (K, n) -> low (K,), high (K,)

    Source:
        Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
    """
    rows, n = values.shape
    if n == 0:
        return np.full(rows, np.nan), np.full(rows, np.nan)
    weights = resample_weights(n, seed, resamples)
    bounds = np.empty((2, rows))
    for start in range(0, rows, ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        # Not a BLAS product: that would round a row differently depending on how many rows stand beside it.
        bounds[:, part] = _quantiles(np.einsum("kn,rn->kr", values[part], weights), level)
    # Rounding of the dot products must not push a bound past the values themselves.
    low, high = np.clip(bounds, values.min(axis=1), values.max(axis=1))
    return low, high


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a rate; nothing observed leaves it open: (0, 1).

    Source:
        Wilson (1927), J. American Statistical Association 22(158).
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} is not a rate")
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate = successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    # At 0 of n and n of n the bound is the rate itself; min and max remove the last bit of rounding.
    return Interval(max(0.0, min(rate, centre - half)), min(1.0, max(rate, centre + half)))


def _quantiles(means: Floats, level: float) -> Floats:
    """The two outer quantiles of each row, linear between order statistics: (K, R) -> (2, K)."""
    tail = (1 - level) / 2
    places = np.array([tail, 1 - tail]) * (means.shape[1] - 1)
    below = np.floor(places).astype(int)
    above = np.minimum(below + 1, means.shape[1] - 1)
    ordered = np.partition(means, np.unique(np.concatenate([below, above])), axis=1)
    share = places - below
    return np.asarray((ordered[:, below] * (1 - share) + ordered[:, above] * share).T)
