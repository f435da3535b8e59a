"""Files as users have them, made for tests."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from memspan.tables.caps import Caps
from memspan.tables.fault import Fault, Unreadable
from memspan.tables.options import ReadOptions
from memspan.tables.reader import read_table
from memspan.tables.table import Sequences, Table


def read(data: bytes, caps: Caps | None = None, **options: Any) -> Table:
    """The table in some bytes."""
    found = read_table(io.BytesIO(data), ReadOptions(**options), caps or Caps())
    assert isinstance(found, Table)
    return found


def cut(data: bytes) -> Sequences:
    found = read_table(io.BytesIO(data))
    assert isinstance(found, Sequences)
    return found


def refusal(data: bytes, caps: Caps | None = None, **options: Any) -> Unreadable:
    """Why some bytes can't be read."""
    try:
        found = read_table(io.BytesIO(data), ReadOptions(**options), caps or Caps())
    except Unreadable as error:
        return error
    raise AssertionError(f"was read: {found.understood}")


def fault(data: bytes, caps: Caps | None = None, **options: Any) -> Fault:
    """The one thing that is wrong with some bytes."""
    found = refusal(data, caps, **options)
    assert found.total == len(found.faults) == 1, found.faults
    return found.faults[0]


def npy(values: np.ndarray[Any, Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def npz(**arrays: np.ndarray[Any, Any]) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def parquet_of(**columns: Any) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file)
    return file.getvalue()
