"""How numbers are written: the same in a terminal, on a page and in Markdown.

A number alone has four significant digits. One with an interval has the digits that its interval earns: two of its
width, and no more. Numbers come as documents hold them, so that "NaN" and "Infinity" may be words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, isnan
from typing import Any

UNKNOWN = "–"
DIGITS = 4
SMALL, LARGE = 1e-4, 1e7
"""below and from there on an exponent reads better"""
ROUNDING = 1e-9
"""of the larger end: an interval no wider than that has no width"""
NONE = 400
"""an exponent beyond those of all numbers"""
SPELT = {"NaN", "Infinity", "-Infinity"}
BEYOND = {"above": "> ", "below": "< "}
"""marks a memory span, and the open end of its interval, outside the tested lengths"""


@dataclass(frozen=True, slots=True)
class Written:
    """A value and its interval; ``interval`` is empty where there is none."""

    value: str
    interval: str = ""

    def __str__(self) -> str:
        return self.value if self.interval in ("", self.value) else f"{self.value} ({self.interval})"


def number(value: object) -> str:
    """A number alone: 0.5, 12,346, 1.235e-05. Whole numbers keep all their digits, what is unknown is a dash."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    known = _float(value)
    if known is None:
        return value if isinstance(value, str) else UNKNOWN
    return _significant(known)


def with_interval(value: object, low: object, high: object) -> Written:
    """A value with its interval: 0.873 (0.851 to 0.891), or 0.010 (2e-06 to 0.11)."""
    numbers = _float(value), _float(low), _float(high)
    if numbers[1] is None or numbers[2] is None or (isnan(numbers[1]) and isnan(numbers[2])):
        return Written(number(value))
    if numbers[0] is None:
        return Written(UNKNOWN)
    mean, left, right = _together(numbers[0], numbers[1], numbers[2])
    return Written(mean, f"{left} to {right}")


def share(rate: object, low: object = None, high: object = None) -> Written:
    """A share of 1, with its interval where it has one: 80 % (63 to 90 %)."""
    found = with_interval(_percent(rate), _percent(low), _percent(high))
    return found if found.value == UNKNOWN else Written(f"{found.value} %", found.interval and f"{found.interval} %")


def span_with_interval(entry: Mapping[str, Any]) -> Written:
    """A memory span in steps, an entry of a results document: 35 (30 to 42), or > 50 (45 to > 50) beyond the lengths.

    Ends are clipped to the tested lengths, so beyond them the interval has an open end, or is one: > 50, < 2. One
    repeat alone has none.
    """
    numbers = _float(entry.get("span")), _float(entry.get("low")), _float(entry.get("high"))
    censored = entry.get("censored")
    mark = BEYOND.get(censored or "", "")
    if numbers[0] is None or numbers[1] is None or numbers[2] is None:
        return Written(mark * (numbers[0] is not None) + number(entry.get("span")))
    value, low, high = _together(numbers[0], numbers[1], numbers[2])
    if mark and numbers[1] == numbers[2]:
        return Written(mark + value, mark + value)
    return Written(mark + value, f"{mark * (censored == 'below')}{low} to {mark * (censored == 'above')}{high}")


def progress(completed: object, total: object, unit: str) -> str:
    """How far something is: 4 of 480 epochs."""
    return f"{number(completed)} of {number(total)} {unit}"


def duration(seconds: object) -> str:
    """Seconds as a person says them, in two units at most: 6 min 5 s."""
    known = _float(seconds)
    if known is None or not isfinite(known):
        return UNKNOWN
    whole = max(0, round(known))
    parts = [(whole // 86_400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    first = next((place for place, (amount, _) in enumerate(parts) if amount), len(parts) - 1)
    return " ".join(f"{amount:,} {unit}" for amount, unit in parts[first : first + 2] if amount) or "0 s"


def _float(value: object) -> float | None:
    """The number that a document means; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float) or (isinstance(value, str) and value in SPELT):
        return float(value)
    return None


def _percent(share: object) -> float | None:
    known = _float(share)
    return None if known is None else 100 * known


def _together(value: float, low: float, high: float) -> tuple[str, str, str]:
    """Value, low and high with the digits that they earn together, never the value outside."""
    numbers = value, low, high
    width = _width(value, low, high)
    if not isfinite(width) or width <= ROUNDING * max(abs(each) for each in numbers if isfinite(each)):
        return _significant(value), _significant(low), _significant(high)
    decimals = [0, 0, 0] if all(map(_whole, numbers)) else _earned(numbers, width)
    shown = [_fixed(each, places) for each, places in zip(numbers, decimals, strict=True)]
    return shown[0], shown[1], shown[2]


def _earned(numbers: Sequence[float], width: float) -> Sequence[int]:
    """Decimals of value, low and high."""
    earned = 1 - _exponent(width, 2)
    # A value keeps two digits of its own and an end one: 0.010 would else be 0.01, and 2e-06 be 0.00.
    own = [digits - 1 - _exponent(each, digits) for each, digits in zip(numbers, (2, 1, 1), strict=True)]
    decimals = [max(earned, least) for least in own]
    return decimals if _ordered(numbers, decimals) else [max(decimals)] * 3  # rounded alike they keep their order


def _whole(value: float) -> bool:
    """Whether it has nothing behind the point: tested lengths are 15 to 20 steps, not 15.0 to 20.0."""
    return not isfinite(value) or (value.is_integer() and abs(value) < LARGE)


def _width(value: float, low: float, high: float) -> float:
    """Of an interval; of one with an open end twice the closed side."""
    if isfinite(low) and isfinite(high):
        return high - low
    closed = low if isfinite(low) else high
    return 2 * abs(value - closed) if isfinite(closed) and isfinite(value) else inf


def _ordered(numbers: Sequence[float], decimals: Sequence[int]) -> bool:
    """Whether what is shown has the value inside the interval, as far as it was."""
    (value, low, high), shown = numbers, [_read(_fixed(*each)) for each in zip(numbers, decimals, strict=True)]
    return not (low <= value and shown[1] > shown[0]) and not (value <= high and shown[0] > shown[2])


def _read(written: str) -> float:
    return float(written.replace(",", "").replace("∞", "inf"))


def _significant(value: float) -> str:
    """With four significant digits at most, and all of those before the point up to ten millions."""
    if not isfinite(value):
        return _fixed(value, 0)
    size = abs(value)
    if size == 0:
        return "0"
    return f"{value:,.0f}" if 10 ** (DIGITS - 1) <= size < LARGE else f"{value:,.{DIGITS}g}"


def _fixed(value: float, decimals: int) -> str:
    """Rounded to 10^-decimals; numbers before the point keep all their digits."""
    if isnan(value):
        return "NaN"
    if not isfinite(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    if SMALL <= abs(value) < LARGE:
        return f"{value:,.{max(decimals, 0)}f}"
    return f"{value:.{max(decimals + _exponent(value, 17), 0)}e}"


def _exponent(value: float, digits: int) -> int:
    """Of the leading digit once it is rounded to some digits; a large one where there is none."""
    return int(f"{value:.{digits - 1}e}".partition("e")[2]) if value and isfinite(value) else NONE
