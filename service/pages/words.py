"""Numbers, durations and times in words; "NaN" and its like stay what they are, what is unknown is a dash."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from urllib.parse import quote

from jinja2 import Undefined

UNKNOWN = "–"
DIGITS = 4
LARGE, SMALL = 1e7, 1e-4  # beyond them scientific notation reads better


def count(value: object) -> str:
    """An integer with thousands separated."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _other(value)


def number(value: object, digits: int = DIGITS) -> str:
    """A measured number with just so many significant digits, so that a column of them lines up."""
    return _number(value, digits, "#")


def short(value: object, digits: int = DIGITS) -> str:
    """A given number with at most so many significant digits: 0.5, not 0.5000."""
    return _number(value, digits, "")


def _number(value: object, digits: int, form: str) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        return _other(value)
    if value == 0:
        return "0"
    if SMALL <= abs(value) < LARGE:
        return _plain(value, digits, form)
    return f"{value:.{digits - 2}e}"


def interval(low: object, high: object, digits: int = DIGITS) -> str:
    """``[low, high]``, or nothing where either is unknown."""
    known = (int, float, str)
    return (
        ""
        if not isinstance(low, known) or not isinstance(high, known)
        else f"[{number(low, digits)}, {number(high, digits)}]"
    )


def percent(value: object) -> str:
    """A share as a percentage."""
    return f"{100 * value:.0f} %" if isinstance(value, int | float) and isfinite(value) else _other(value)


def duration(seconds: object) -> str:
    """Seconds as a person says them: two units at most."""
    if not isinstance(seconds, int | float) or not isfinite(seconds):
        return UNKNOWN
    whole = max(0, round(seconds))
    parts = [(whole // 86_400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    first = next((place for place, (amount, _) in enumerate(parts) if amount), len(parts) - 1)
    said = [f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount or first == len(parts) - 1]
    return " ".join(said)


def moment(value: object) -> str:
    """An RFC 3339 time as ``2024-05-02 10:11 UTC``."""
    if not isinstance(value, str | datetime):
        return UNKNOWN
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    return f"{time.astimezone(UTC) if time.tzinfo else time:%Y-%m-%d %H:%M} UTC"


def segment(value: object) -> str:
    """A value as one segment of a path in a link."""
    return quote(str(value), safe="")


def _plain(value: float, digits: int, form: str) -> str:
    whole = abs(value) >= 10 ** (digits - 1)
    return f"{round(value):,}" if whole else format(float(value), f"{form}.{digits}g")


def _other(value: object) -> str:
    return UNKNOWN if value is None or isinstance(value, Undefined) else str(value)
