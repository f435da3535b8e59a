"""The interval of a number that is made of sums over sequences, such as a correlation or a share of variance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from memspan.statistics.band import Band
from memspan.statistics.bootstrap import Floats, weighted_interval

PLACES_AT_ONCE = 256

Statistic = Callable[[Floats], Floats]
"""(..., X, F) means of F things at X places -> (..., X)"""


def resampled(parts: Floats, statistic: Statistic) -> Band:
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
