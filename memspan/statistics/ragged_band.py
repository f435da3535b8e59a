"""A curve over sequences of which not every one reaches every place, with its interval."""

from __future__ import annotations

import numpy as np

from memspan.statistics.band import Band, band, band_of_sums
from memspan.statistics.bootstrap import Floats


def ragged_band(sums: Floats, counts: Floats) -> Band:
    """Means at each of X places, with the interval over members, or over sequences where there is one.

    Shapes:
        sums (M, S, X) of what a sequence, or a block of them where M > 1, has at each place, and counts (S, X) of how
        many have something there, or what it is to be held against. Each place has a count above 0.
    """
    if len(sums) > 1:
        return band(sums.sum(axis=1, keepdims=True) / counts.sum(axis=0))
    if (counts == 1).all():
        return band(sums)
    return band_of_sums(np.stack([sums[0], counts], axis=-1), _ratio)


def _ratio(parts: Floats) -> Floats:
    """(..., X, 2) -> (..., X); NaN where a resample has no sequence that reaches a place."""
    total, count = parts[..., 0], parts[..., 1]
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
