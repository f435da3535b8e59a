"""A mean curve over repeats, or over sequences where there is one model only, with its interval at every place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memspan.statistics.bootstrap import Floats, bootstrap_mean


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


def _unknown(places: int, count: int) -> Band:
    nothing = np.full(places, np.nan)
    return Band(nothing, nothing, nothing, count)
