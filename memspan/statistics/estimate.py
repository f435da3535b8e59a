"""A statistic over repeats, or over sequences where there is one model only, with its interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from memspan.statistics.bootstrap import Floats, interval


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval and the n that it is over."""

    value: float
    low: float
    high: float
    n: int


def median(samples: Floats) -> Floats:
    """Median over the last axis."""
    result: Floats = np.median(samples, axis=-1)
    return result


def mean(samples: Floats) -> Floats:
    """Mean over the last axis."""
    result: Floats = samples.mean(axis=-1)
    return result


def estimate(samples: Floats, statistic: Callable[[Floats], Floats]) -> Estimate:
    """Summarise ``samples`` (members M, sequences S).

    With several members: the mean over members of each one's statistic, bootstrapped over members. With one: its
    statistic, bootstrapped over sequences. Members whose statistic is not finite (a diverged run) are left out.
    """
    each = statistic(samples)  # (M,)
    if samples.shape[0] == 1:
        return _interval(float(each[0]), samples[0], statistic)
    finite = each[np.isfinite(each)]
    if not finite.size:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    return _interval(float(finite.mean()), finite, mean)


def _interval(value: float, sample: Floats, statistic: Callable[[Floats], Floats]) -> Estimate:
    """Of a statistic of one sample (n,)."""
    count = sample.shape[0]
    if count == 1 or not np.isfinite(value):
        return Estimate(value, value, value, count)
    low, high = interval(statistic, sample)
    return Estimate(value, float(low), float(high), count)
