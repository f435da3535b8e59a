"""The short name of a model or task within its experiment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

LONGEST_VALUE = 24  # characters of one field


def label(part: Mapping[str, Any], parts: Iterable[Mapping[str, Any]]) -> str:
    """The kind, and of its fields only those in which parts of the same kind differ: ``lstm · chrono``.

    ``parts`` are all models (or all tasks) of the experiment.
    """
    alike = [other for other in parts if other["kind"] == part["kind"]]
    differing = [
        field for field in part if field != "match" and any(other.get(field) != part[field] for other in alike)
    ]
    return " · ".join([str(part["kind"]), *(_words(field, part[field]) for field in differing)])


def probe_label(entry: Mapping[str, Any], every: Sequence[Mapping[str, Any]]) -> str:
    """A probe's short name among all of the experiment: ``change · index -1``, ``change · index -1 · best weights``."""
    name = label(entry["spec"], [other["spec"] for other in every]).replace("_", " ")
    weights = {other.get("checkpoint") for other in every}
    return name if len(weights) < 2 else f"{name} · {entry.get('checkpoint')} weights"


def _words(field: str, value: object) -> str:
    """A field in words; a string such as an activation speaks for itself."""
    name = field.replace("_", " ")
    if isinstance(value, bool) or value is None:
        return name if value else f"no {name}"
    if isinstance(value, str):
        return _shorten(value)
    written = f"{value:g}" if isinstance(value, float) else json.dumps(value, separators=(",", ":"))
    return f"{name} {_shorten(written)}"


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
