"""In what specs differ, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

UNTOLD = ("name", "labels", "priority")
"""fields of a spec that change no number"""


def differences(specs: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every JSON pointer at which some specs differ, with what each has there; null where it has nothing.

    Args:
        specs: as JSON data, by the ids of their experiments.
    """
    fields = {name: dict(_fields(_told(spec))) for name, spec in specs.items()}
    pointers = dict.fromkeys(pointer for own in fields.values() for pointer in own)
    return [
        {"pointer": pointer, "values": values}
        for pointer in pointers
        for values in [{name: own.get(pointer) for name, own in fields.items()}]
        if any(value != next(iter(values.values())) for value in values.values())
    ]


def _told(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name not in UNTOLD}


def _fields(value: Any, pointer: str = "#") -> Iterator[tuple[str, Any]]:
    """All that is no object or list, by where it stands."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _fields(inner, f"{pointer}/{name}")
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _fields(inner, f"{pointer}/{place}")
    else:
        yield pointer, value
