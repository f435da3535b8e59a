"""Table files: what was understood of a user's file, as it is stored and read again: named arrays in safetensors.

The same content gives the same bytes, so their sha256 names it. Written without torch, in parts that share the arrays'
memory; read by mapping the file, so that only what is looked at is in memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from memspan.tables.table import Column, Sequences, Table, Values

DTYPES = {"float64": "F64", "float32": "F32", "int64": "I64", "int32": "I32"}
FACTS = "memspan"
"""the entry of the metadata that says what the arrays are"""


class NoTableFile(ValueError):
    """A file that is no table file."""


def parts(found: Table | Sequences) -> list[bytes | memoryview]:
    """The file's bytes in parts."""
    arrays, facts = _of_table(found) if isinstance(found, Table) else _of_sequences(found)
    entries: dict[str, Any] = {"__metadata__": {FACTS: json.dumps(facts, separators=(",", ":"), ensure_ascii=False)}}
    begin = 0
    order = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    for name in order:
        end = begin + arrays[name].nbytes
        entries[name] = {
            "dtype": DTYPES[arrays[name].dtype.name],
            "shape": list(arrays[name].shape),
            "data_offsets": [begin, end],
        }
        begin = end
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    found_parts = [_bytes(arrays[name]) for name in order if arrays[name].size]
    return [len(text).to_bytes(8, "little") + text, *found_parts]


def _bytes(values: Values) -> memoryview:
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8).data


def _of_table(table: Table) -> tuple[Mapping[str, Values], dict[str, Any]]:
    columns = [{"name": column.name, "type": column.type, "levels": list(column.levels)} for column in table.columns]
    arrays = {f"column.{place}": column.values for place, column in enumerate(table.columns)}
    return arrays, {"kind": "table", "rows": table.rows, "columns": columns, "understood": dict(table.understood)}


def _of_sequences(found: Sequences) -> tuple[Mapping[str, Values], dict[str, Any]]:
    arrays = {"inputs": found.inputs, "targets": found.targets}
    if found.groups is not None:
        arrays["groups"] = found.groups
    return arrays, {"kind": "sequences", "understood": dict(found.understood)}


def read_file(path: Path) -> Table | Sequences:
    """What is in a table file.

    Raises:
        NoTableFile: it is something else.
        OSError: it can't be read.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            facts = json.loads(file.metadata()[FACTS])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, no mapping
        return _table(arrays, facts) if facts["kind"] == "table" else _sequences(arrays, facts)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise NoTableFile("The file is no table file.") from error


def _table(arrays: Mapping[str, Values], facts: dict[str, Any]) -> Table:
    columns = tuple(
        Column(each["name"], each["type"], arrays[f"column.{place}"], tuple(each["levels"]))
        for place, each in enumerate(facts["columns"])
    )
    return Table(facts["rows"], columns, facts["understood"])


def _sequences(arrays: Mapping[str, Values], facts: dict[str, Any]) -> Sequences:
    return Sequences(arrays["inputs"], arrays["targets"], arrays.get("groups"), facts["understood"])
