"""Reading Parquet files, in batches. Imports pyarrow."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from memspan.tables.caps import Caps
from memspan.tables.dialect import checked_names
from memspan.tables.fault import Fault, Faults, Unreadable, refused, shortened
from memspan.tables.growing import GrowingColumn
from memspan.tables.options import ReadOptions
from memspan.tables.table import NO_TIME, Table

BATCH = 65_536
"""rows that are unpacked at once"""


def read_parquet(file: BinaryIO, options: ReadOptions, caps: Caps) -> Table:
    """The table of a Parquet file; what it claims to hold is checked before anything is unpacked.

    Raises:
        Unreadable: it is damaged, too large, or has columns of a type that is not understood.
    """
    try:
        found = _read(file, options, caps)
    except (pa.ArrowException, OSError) as error:
        raise refused("damaged", f"The file is no Parquet file, or damaged: {shortened(str(error))}") from None
    return found


def _read(file: BinaryIO, options: ReadOptions, caps: Caps) -> Table:
    opened = parquet.ParquetFile(file)
    schema = opened.schema_arrow
    checked_names(schema.names, caps)
    _check_types(schema, caps)
    _check_size(opened.metadata.num_rows, len(schema.names), caps)
    file.seek(0)
    packed = [field.name for field in schema if _is_word(field.type)]  # one word may stand for a million rows
    opened = parquet.ParquetFile(file, read_dictionary=packed)
    faults = Faults(caps.faults)
    columns = [GrowingColumn(name, caps, faults, None) for name in schema.names]
    rows = 0
    for batch in opened.iter_batches(BATCH, use_threads=False):
        rows += len(batch)
        _check_size(rows, len(columns), caps)
        for column, values in zip(columns, batch.columns, strict=True):
            _add(column, values, options.types.get(column.name))
    faults.refuse()
    if not rows:
        raise refused("no_rows", "The file has no rows.")
    return Table(rows, tuple(column.finished() for column in columns), {"format": "parquet"})


def _check_size(rows: int, columns: int, caps: Caps) -> None:
    if rows > caps.rows:
        raise refused("too_many_rows", f"The file has {rows} rows or more; at most {caps.rows} are read.")
    if rows * columns * 8 > caps.bytes:
        message = f"The table has {rows} rows of {columns} columns; at most {caps.bytes // 8} values are read."
        raise refused("too_large", message)


def _is_word(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_time(kind: Any) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _is_category(kind: Any) -> bool:
    packed = pa.types.is_dictionary(kind) and _is_word(kind.value_type)
    return bool(packed or _is_word(kind) or pa.types.is_boolean(kind))


def _check_types(schema: Any, caps: Caps) -> None:
    """Every column must be numbers, times, words or booleans."""
    known = (_is_number, _is_time, _is_category, pa.types.is_null)
    found = [
        Fault(
            "unknown_type",
            f"Columns of type {shortened(str(field.type))} are not read; numbers, times, strings and booleans are.",
            column=field.name,
        )
        for field in schema
        if not any(is_known(field.type) for is_known in known)
    ]
    if found:
        raise Unreadable(found[: caps.faults], len(found))


def _add(column: GrowingColumn, values: Any, asked: str | None) -> None:
    """A batch's values of one column."""
    if pa.types.is_null(values.type):
        column.add_numbers(np.full(len(values), np.nan))
    elif _is_time(values.type):
        moments = compute.cast(values, pa.timestamp("us", getattr(values.type, "tz", None)), safe=False)
        column.add_instants(moments.cast(pa.int64()).fill_null(NO_TIME).to_numpy(zero_copy_only=False))
    elif _is_number(values.type) and asked != "category":
        numbers = compute.cast(values, pa.float64(), safe=False)
        column.add_numbers(numbers.fill_null(np.nan).to_numpy(zero_copy_only=False))
    elif pa.types.is_dictionary(values.type):
        column.add_categories(values)
    else:
        column.add_categories(compute.cast(values, pa.string()).dictionary_encode())
