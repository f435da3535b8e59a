"""The interval of a number that is made of sums over sequences, such as a correlation or a share of variance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from memspan.statistics.band import Band
from memspan.statistics.interval import Floats, resample_weights

LEVEL = 0.95
RESAMPLES = 1_000
PLACES_AT_ONCE = 256

Statistic = Callable[[Floats], Floats]
"""(..., X, F) means of F things at X places -> (..., X)"""


def resampled(parts: Floats, statistic: Statistic, seed: int = 0) -> Band:
    """``statistic`` of the means over sequences, with its percentile bootstrap interval over sequences.

    Shapes:
        parts (n, X, F): what each sequence adds.
    """
    n, places, _ = parts.shape
    value = statistic(parts.mean(axis=0))
    weights = resample_weights(n, seed, RESAMPLES)  # (R, n)
    low, high = np.empty(places), np.empty(places)
    for start in range(0, places, PLACES_AT_ONCE):
        some = slice(start, start + PLACES_AT_ONCE)
        drawn = statistic(np.einsum("rn,nxf->rxf", weights, parts[:, some], optimize=True))  # (R, X)
        low[some], high[some] = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Band(value, low, high, n)
