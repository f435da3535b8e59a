"""Vertical ranges: accuracy up to 1, loss on a logarithmic axis with ticks at decades."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, floor, log10
from typing import Any

import altair as alt

MARGIN = 0.07  # of the drawn range
FEW_DECADES = 1.7  # below it there are ticks at 2 and 5 too


def accuracy_scale(seen: Iterable[float]) -> alt.Scale:
    """From just below what is drawn up to 1."""
    least = min(seen)
    return alt.Scale(domain=[max(0.0, least - MARGIN * (1 - least) - 0.005), 1.0], nice=False)


def loss_scale(seen: Iterable[float]) -> alt.Scale:
    """Logarithmic around what is drawn; numbers that are not positive have no place on it."""
    low, high = _decades(seen)
    return alt.Scale(type="log", domain=[10**low, 10**high], nice=False)


def loss_axis(seen: Iterable[float]) -> dict[str, Any]:
    """Ticks and number format of a logarithmic loss axis."""
    low, high = _decades(seen)
    factors = (1, 2, 5) if high - low < FEW_DECADES else (1,)
    ticks = [factor * 10.0**power for power in range(floor(low), ceil(high) + 1) for factor in factors]
    return {"values": [tick for tick in ticks if low <= log10(tick) <= high], "format": "~g"}


def _decades(seen: Iterable[float]) -> tuple[float, float]:
    """Lowest and highest power of ten of the axis."""
    powers = [log10(value) for value in seen if value > 0]
    margin = MARGIN * max(max(powers) - min(powers), 0.3)
    return min(powers) - margin, max(powers) + margin
