"""What a stored probe says, as a measured number, and such numbers put together.

Only the ends of a reading's interval are stored, not its repeats: so a difference of two is given the widest interval
that theirs allow, which is right whether the two move together or against each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from memspan.claims.measured import Measured

ProbeResult = Mapping[str, Any]
"""A probe's reading as it was stored, its numbers as floats."""


def scalar(result: ProbeResult, name: str) -> Measured:
    """One of the named numbers of a Scalars."""
    return Measured(result["values"][name], result["low"][name], result["high"][name], result["n"])


def score(result: ProbeResult, name: str) -> Measured:
    """What a Curve over several repeats comes to, with its interval; NaN where that is not defined."""
    told = [result["scores"].get(key) for key in (name, f"{name}_low", f"{name}_high")]
    value, low, high = (math.nan if each is None else float(each) for each in told)
    return Measured(value, low, high, result["n"])


def negated(found: Measured) -> Measured:
    """A number with the other sign."""
    return Measured(-found.value, -found.high, -found.low, found.n, found.note)


def interval_difference(first: Measured, second: Measured) -> Measured:
    """How much larger the first is."""
    n = min(first.n, second.n)
    return Measured(first.value - second.value, first.low - second.high, first.high - second.low, n)


def interval_ratio(first: Measured, second: Measured) -> Measured:
    """How many times larger the first is; both are above 0, such as times."""
    n = min(first.n, second.n)
    return Measured(first.value / second.value, first.low / second.high, first.high / second.low, n)


def average(found: Sequence[Measured]) -> Measured:
    """The mean of numbers that are independent of each other, such as those of runs at different lengths."""
    count = len(found)
    value = sum(each.value for each in found) / count
    below = math.hypot(*(each.value - each.low for each in found)) / count
    above = math.hypot(*(each.high - each.value for each in found)) / count
    return Measured(value, value - below, value + above, min(each.n for each in found))
