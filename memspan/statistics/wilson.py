"""Wilson's interval of a rate."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from memspan.statistics.bootstrap import LEVEL


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval ``low <= high`` in the unit of what it encloses."""

    low: float
    high: float


def wilson(successes: int, n: int) -> Interval:
    """Wilson's score interval of a rate; nothing observed leaves it open: (0, 1).

    Source:
        Wilson (1927), J. American Statistical Association 22(158).
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} is not a rate")
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    rate = successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    # At 0 of n and n of n the bound is the rate itself; min and max remove the last bit of rounding.
    return Interval(max(0.0, min(rate, centre - half)), min(1.0, max(rate, centre + half)))
