"""A number over repeats with its 95 % interval: means, rates, differences, ratios and gaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from memspan.statistics.bootstrap import Floats as Floats
from memspan.statistics.bootstrap import interval
from memspan.statistics.wilson import wilson

Flags = NDArray[np.bool_]


class NotMeasured(LookupError):
    """A claim needs what was not run, or is not finished yet; the message says what."""


@dataclass(frozen=True)
class Measured:
    """A value, its interval and the number of repeats that it rests on; ``note`` says what a reader must know."""

    value: float
    low: float
    high: float
    n: int
    note: str = ""


def exactly(value: float, n: int = 1, note: str = "") -> Measured:
    """A number without spread, e.g. a count of parameters."""
    return Measured(value, value, value, n, note)


def alone(value: float, note: str = "") -> Measured:
    """What one repeat gave: it has no interval, and so no verdict."""
    return Measured(value, -np.inf, np.inf, 1, f"{note} One repeat has no interval.".strip())


def rate(successes: Flags) -> Measured:
    """The share of repeats that succeeded, with Wilson's interval; no repeats have no share (NaN)."""
    count, n = int(successes.sum()), len(successes)
    if n == 1:
        return alone(float(count))
    found = wilson(count, n)
    return Measured(count / n if n else np.nan, found.low, found.high, n)


def rate_difference(first: Flags, second: Flags) -> Measured:
    """How much larger the first share is than the second.

    Source:
        Newcombe (1998), Statistics in Medicine 17, method 10: Wilson intervals put together.
    """
    one, two = rate(first), rate(second)
    if min(one.n, two.n) == 1:
        return alone(one.value - two.value)
    low = sqrt((one.value - one.low) ** 2 + (two.high - two.value) ** 2)
    high = sqrt((one.high - one.value) ** 2 + (two.value - two.low) ** 2)
    difference = one.value - two.value
    return Measured(difference, difference - low, difference + high, min(one.n, two.n))


def mean(values: Floats) -> Measured:
    """The mean over repeats, percentile bootstrap."""
    return bootstrapped(lambda x: x.mean(-1), values)


def median(values: Floats) -> Measured:
    """The median over repeats, percentile bootstrap."""
    return bootstrapped(lambda x: np.median(x, axis=-1), values)


def difference(first: Floats, second: Floats) -> Measured:
    """Mean of the first minus mean of the second."""
    return bootstrapped(lambda x, y: x.mean(-1) - y.mean(-1), first, second)


def ratio(first: Floats, second: Floats) -> Measured:
    """Median of the first over median of the second: one exploded run in thirty must not decide."""
    return bootstrapped(lambda x, y: np.median(x, axis=-1) / np.median(y, axis=-1), first, second)


def share_of_gap(worse: Floats, other: Floats, better: Floats) -> Measured:
    """How far a condition goes from the losses of a worse one down to those of a better one.

    (log a - log b) / (log a - log c) of the three medians: 0 at the worse, 1 at the better, and a loss that was
    divided by ten counts as much whether it was large or small.

    Raises:
        NotMeasured: the better one is not ahead, so there is no gap.
    """
    if not _finite_median(worse) > _finite_median(better):
        raise NotMeasured("The two conditions show no gap that a third could close.")
    return bootstrapped(_log_share, worse, other, better)


def _finite_median(losses: Floats) -> float:
    """Of the repeats that have a finite loss; NaN where none has."""
    finite = losses[np.isfinite(losses)]
    return float(np.median(finite)) if len(finite) else np.nan


def _log_share(worse: Floats, other: Floats, better: Floats) -> Floats:
    """Over the last axis."""
    a, b, c = (np.log(np.median(each, axis=-1)) for each in (worse, other, better))
    share: Floats = (a - b) / (a - c)
    return share


def log_ratio_difference(first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> Measured:
    """By how many powers of ten the first pair's ratio of medians exceeds the second pair's."""

    def difference(*groups: Floats) -> Floats:
        a, b, c, d = (np.log10(np.median(each, axis=-1)) for each in groups)
        found: Floats = (a - b) - (c - d)
        return found

    return bootstrapped(difference, *first, *second)


def epochs_to_reach(curves: Floats, goal: Floats) -> Floats:
    """The first epoch, from 1, after which each curve (R, E) is at or below its goal (R,); E + 1 where none is."""
    there = curves <= goal[:, None]
    needed: Floats = np.where(there.any(1), there.argmax(1) + 1.0, curves.shape[1] + 1.0)
    return needed


def bootstrapped(statistic: Callable[..., Floats], *groups: Floats, paired: bool = False) -> Measured:
    """A statistic of groups of repeats, with its percentile bootstrap interval.

    ``statistic`` takes one array (..., n) a group and works over the last axis. Values that are not finite are left
    out and counted in the note; ``paired`` groups have one value for each repeat in the same order and lose the
    repeat in all groups.

    Raises:
        NotMeasured: paired groups differ in size.

    Source:
        Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapters 8 and 13.
    """
    kept = _finite(groups, paired)
    n = min(len(group) for group in kept)
    note = _left_out(groups, kept)
    if n == 0:
        return Measured(np.nan, np.nan, np.nan, 0, note)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(statistic(*kept))
        if n == 1:
            return alone(value, note)
        low, high = map(float, interval(statistic, *kept, paired=paired))
    return Measured(value, min(low, value), max(high, value), n, note)


def _left_out(groups: Sequence[Floats], kept: Sequence[Floats]) -> str:
    """How many values a statistic does without."""
    lost = max(len(group) - len(left) for group, left in zip(groups, kept, strict=True))
    repeats = "1 repeat without a finite value is" if lost == 1 else f"{lost} repeats without a finite value are"
    return f"{repeats} left out." if lost else ""


def _finite(groups: tuple[Floats, ...], paired: bool) -> list[Floats]:
    if paired and len({len(group) for group in groups}) > 1:
        raise NotMeasured("Paired repeats are needed, and the conditions have unequal numbers of them.")
    finite = [np.isfinite(group) for group in groups]
    if paired:
        both = np.logical_and.reduce(finite)
        return [group[both] for group in groups]
    return [group[each] for group, each in zip(groups, finite, strict=True)]
