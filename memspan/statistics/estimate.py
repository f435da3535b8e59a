"""A statistic over repeats, or over sequences where there is one model only, with its interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
LEVEL = 0.95
RESAMPLES = 1_000
BLOCK_VALUES = 2_000_000


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval and the n that it is over."""

    value: float
    low: float
    high: float
    n: int


def median(samples: Numbers) -> Numbers:
    """Median over the last axis."""
    result: Numbers = np.median(samples, axis=-1)
    return result


def mean(samples: Numbers) -> Numbers:
    """Mean over the last axis."""
    result: Numbers = samples.mean(axis=-1)
    return result


def estimate(samples: Numbers, statistic: Callable[[Numbers], Numbers], seed: int = 0) -> Estimate:
    """Summarise ``samples`` (members M, sequences S).

    With several members: the mean over members of each one's statistic, bootstrapped over members. With one: its
    statistic, bootstrapped over sequences. Members whose statistic is not finite (a diverged run) are left out.
    """
    each = statistic(samples)  # (M,)
    if samples.shape[0] == 1:
        return _interval(float(each[0]), samples[0], statistic, seed)
    finite = each[np.isfinite(each)]
    if not finite.size:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    return _interval(float(finite.mean()), finite, mean, seed)


def _interval(value: float, sample: Numbers, statistic: Callable[[Numbers], Numbers], seed: int) -> Estimate:
    """Percentile bootstrap of a statistic of one sample (n,)."""
    count = sample.shape[0]
    if count == 1 or not np.isfinite(value):
        return Estimate(value, value, value, count)
    rng = np.random.default_rng(seed)
    block = max(1, BLOCK_VALUES // count)
    drawn = [
        statistic(sample[rng.integers(0, count, (min(block, RESAMPLES - start), count))])
        for start in range(0, RESAMPLES, block)
    ]
    low, high = np.quantile(np.concatenate(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high), count)
