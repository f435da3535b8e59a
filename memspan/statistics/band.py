"""A curve over repeats, or over sequences where there is one model only, with its interval at every place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from memspan.statistics.bootstrap import Floats, bootstrap_mean, interval, weighted_interval

PLACES_AT_ONCE = 256

Statistic = Callable[[Floats], Floats]
"""(..., X, F) means of F things at X places -> (..., X)"""


@dataclass(frozen=True)
class Band:
    """The value at each of X places with its 95 % interval, each (X,), and the n that they are over."""

    value: Floats
    low: Floats
    high: Floats
    n: int


def band(samples: Floats) -> Band:
    """Mean of ``samples`` (members M, sequences S, places X) and its percentile bootstrap interval.

    With several members: the mean over members of each one's mean over sequences, bootstrapped over members; those
    with a value that is not finite (a diverged run) are left out. With one: its mean, bootstrapped over sequences.
    """
    one = samples.shape[0] == 1
    rows = samples[0] if one else samples.mean(axis=1)  # (n, X)
    if not one:
        rows = rows[np.isfinite(rows).all(axis=1)]
    if not rows.size or not np.isfinite(rows).all():
        return _unknown(samples.shape[2], len(rows))
    low, high = bootstrap_mean(rows.T)
    value = np.clip(rows.mean(axis=0), rows.min(axis=0), rows.max(axis=0))  # rounding stays inside the rows
    return Band(value, np.minimum(low, value), np.maximum(high, value), len(rows))


def median_band(rows: Floats) -> Band:
    """Median over rows (n, X) and its percentile bootstrap interval; rows with a value that is NaN are left out.

    For repeats of which one in thirty may be a million times the others.
    """
    kept = rows[~np.isnan(rows).any(axis=1)]
    if not len(kept):
        return _unknown(rows.shape[1], 0)
    low, high = interval(lambda drawn: np.median(drawn, axis=-1), kept.T)
    return Band(np.median(kept, axis=0), low, high, len(kept))


def band_of_sums(parts: Floats, statistic: Statistic) -> Band:
    """``statistic`` of the means over sequences, with its percentile bootstrap interval over sequences.

    Shapes:
        parts (n, X, F): what each sequence adds.
    """
    n, places, _ = parts.shape
    low, high = np.empty(places), np.empty(places)
    for start in range(0, places, PLACES_AT_ONCE):
        some = slice(start, start + PLACES_AT_ONCE)
        low[some], high[some] = weighted_interval(_redrawn(parts[:, some], statistic), n)
    return Band(statistic(parts.mean(axis=0)), low, high, n)


def _redrawn(parts: Floats, statistic: Statistic) -> Callable[[Floats], Floats]:
    """Weights of sequences (R, n) -> the statistic of their means (R, X)."""
    return lambda weights: statistic(np.einsum("rn,nxf->rxf", weights, parts, optimize=True))


def _unknown(places: int, count: int) -> Band:
    nothing = np.full(places, np.nan)
    return Band(nothing, nothing, nothing, count)
