"""A gauge: a measured value with its interval against a claim's threshold, as places along a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log10
from typing import Any

from memspan.figures.document import finite

MARGIN = 0.14
"""of the line's length, free at both ends"""
WIDE = 100.0
"""positive values that differ by this factor are shown by their logarithms"""


@dataclass(frozen=True, slots=True)
class Gauge:
    """Places in percent of the line, from the left.

    Attributes:
        holds: from where to where the claim holds.
        open_low, open_high: the interval goes on beyond that end of the line.
    """

    threshold: float
    holds: tuple[float, float]
    measured: float | None
    low: float | None
    high: float | None
    open_low: bool = False
    open_high: bool = False

    @property
    def anchor(self) -> str:
        """Where the words at the threshold begin, so that they stay within the line."""
        return "start" if self.threshold < 20 else "end" if self.threshold > 80 else "middle"


def gauge(claim: Mapping[str, Any]) -> Gauge | None:
    """The gauge of a claim; None where nothing was measured."""
    threshold, measured, low, high = (finite(claim.get(name)) for name in ("threshold", "measured", "low", "high"))
    if threshold is None or measured is None:
        return None
    known = [value for value in (threshold, measured, low, high) if value is not None]
    line = _Line(known)
    at = line.place(threshold)
    return Gauge(
        threshold=at,
        holds=(0.0, at) if claim.get("direction") == "at_most" else (at, 100.0),
        measured=line.place(measured),
        low=line.place(low) if low is not None else 0.0,
        high=line.place(high) if high is not None else 100.0,
        open_low=low is None,
        open_high=high is None,
    )


class _Line:
    """Values along a line that has room for all of them."""

    def __init__(self, values: list[float]) -> None:
        self._log = min(values) > 0 and max(values) / min(values) >= WIDE
        scaled = [self._scaled(value) for value in values]
        self._first, self._size = min(scaled), max(scaled) - min(scaled)

    def place(self, value: float) -> float:
        """Percent from the left."""
        share = (self._scaled(value) - self._first) / self._size if self._size else 0.5
        return round(100 * (MARGIN + (1 - 2 * MARGIN) * share), 2)

    def _scaled(self, value: float) -> float:
        return log10(value) if self._log else value
