"""Reading the results document: the plain dict that ``GET /results/{id}`` answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, TypeAlias

Results: TypeAlias = Mapping[str, Any]
Part: TypeAlias = Mapping[str, Any]
Row: TypeAlias = dict[str, Any]


def finite(value: object) -> float | None:
    """The number, or None where the document holds null or the words "NaN", "Infinity", "-Infinity"."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and isfinite(value) else None  # type: ignore[arg-type]


def entries(results: Results, name: str) -> Sequence[Part]:
    """One list of the document, empty where it is absent."""
    return results.get(name) or []


def of_task(results: Results, name: str, task: Part) -> list[Part]:
    """The entries of one list that belong to ``task``."""
    return [entry for entry in entries(results, name) if entry["task"] == task]


def metric_of(conditions: Sequence[Part]) -> str:
    """The metric by which a task is scored, from its conditions; an older document only says what was measured."""
    stated = next((condition["metric"] for condition in conditions if condition.get("metric")), None)
    accurate = any("test_accuracy" in (condition.get("metrics") or {}) for condition in conditions)
    return str(stated or ("test_accuracy" if accurate else "test_loss"))


def spread(values: Iterable[Any], most: int) -> list[Any]:
    """At most ``most`` of the values, evenly over their order, the first and the last among them."""
    kept = list(values)
    if len(kept) <= most:
        return kept
    return [kept[round(place * (len(kept) - 1) / (most - 1))] for place in range(most)]
