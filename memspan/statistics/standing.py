"""Standings: means over several groups of runs beside each other, and which of them are certainly apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf, sqrt

from memspan.statistics.holm import holm
from memspan.statistics.student import student

CERTAIN = 0.05
"""below this corrected probability two means are told apart"""
BISECTIONS = 40


@dataclass(frozen=True)
class Group:
    """Some runs: their mean, their deviation (ddof 1), and how many they are."""

    mean: float
    deviation: float
    n: int


@dataclass(frozen=True)
class Average:
    """A mean of means with its standard error.

    Attributes:
        freedom: degrees of freedom of the error; 0 where a group of one run tells of none.
    """

    value: float
    error: float
    freedom: int

    @property
    def interval(self) -> tuple[float, float]:
        """Of 95 %, by Student's t; open where nothing is known of the error."""
        if not self.freedom:
            return -inf, inf
        reach = student(self.freedom, 0.975) * self.error
        return self.value - reach, self.value + reach


def with_diverged(group: Group, count: int, floor: float) -> Group:
    """A group with runs that diverged, each of which counts as ``floor``: leaving them out would flatter."""
    n = group.n + count
    if not count:
        return group
    mean = (group.n * group.mean + count * floor) / n if group.n else floor
    squares = max(group.n - 1, 0) * group.deviation**2 + count * (floor - mean) ** 2
    squares += group.n * (group.mean - mean) ** 2 if group.n else 0
    return Group(mean, sqrt(squares / max(n - 1, 1)), n)


def average(groups: Sequence[Group]) -> Average:
    """The mean of the groups' means, each counting the same.

    Source:
        Welch (1947), Biometrika 34: degrees of freedom of a sum of independent means, rounded down here.
    """
    shares = [group.deviation**2 / group.n / len(groups) ** 2 for group in groups]
    value = sum(group.mean for group in groups) / len(groups)
    if min(group.n for group in groups) < 2:
        return Average(value, inf, 0)
    least = min(group.n for group in groups) - 1
    below = sum(share**2 / (group.n - 1) for share, group in zip(shares, groups, strict=True))
    return Average(value, sqrt(sum(shares)), max(least, int(sum(shares) ** 2 / below) if below else least))


def probability(first: Sequence[Group], second: Sequence[Group]) -> float:
    """How probable so large a difference of two averages is where there is none, two-sided (Welch's test)."""
    both = average([*first, *second])
    if not both.freedom:
        return 1.0
    off = abs(average(first).value - average(second).value)
    error = 2 * both.error  # that of a mean of both is half of that of a difference
    if error == 0:
        return float(off == 0)
    return 2 * _beyond(both.freedom, off / error)


def _beyond(freedom: int, number: float) -> float:
    """The probability that t lies above a number of 0 or more, by halving until its quantile is that number."""
    low, high = 0.5, 1.0 - 1e-12
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if student(freedom, middle) < number else (low, middle)
    return 1 - low


def ranks(contestants: Sequence[Sequence[Group]]) -> list[int]:
    """One more than the number of contestants that are certainly higher, by Holm over all pairs."""
    found = [1] * len(contestants)
    for _, worse in _apart(contestants):
        found[worse] += 1
    return found


def _apart(contestants: Sequence[Sequence[Group]]) -> Iterator[tuple[int, int]]:
    """Pairs that are told apart, the higher one first."""
    pairs = list(combinations(range(len(contestants)), 2))
    corrected = holm([probability(contestants[a], contestants[b]) for a, b in pairs])
    for (a, b), found in zip(pairs, corrected, strict=True):
        if found < CERTAIN:
            higher = average(contestants[a]).value > average(contestants[b]).value
            yield (a, b) if higher else (b, a)
