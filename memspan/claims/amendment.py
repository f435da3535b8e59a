"""Amendments: what a claim measured or asked for at first, and why that was changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Declared = Literal["metric", "direction", "threshold"]
"""what decides a verdict, and so is fixed before anything is run"""


@dataclass(frozen=True)
class Amendment:
    """One change of what a claim declares, shown wherever the claim is.

    Attributes:
        date: the day of the change, as 2026-11-21.
        field: what was changed.
        before: what stood there until then; a threshold as ``written`` gives it.
        reason: why, in whole sentences, and whether runs had been seen by then.
    """

    date: str
    field: Declared
    before: str
    reason: str

    def document(self) -> dict[str, Any]:
        return {"date": self.date, "field": self.field, "before": self.before, "reason": self.reason}


def written(value: str | float) -> str:
    """A declared value as an amendment names it."""
    return value if isinstance(value, str) else f"{value:g}"
