"""What a notebook holds as a table: data frames of pandas or polars, arrays, and columns by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from memspan.needed_history.series import UnusableSeries
from memspan.tables.table import NO_TIME, Column, Table


def table_of(frame: Any) -> Table:
    """Columns of numbers, times and categories.

    Args:
        frame: a data frame of pandas or polars, a table of pyarrow, a mapping from names to columns, an array (n,) or
            (n, C), or a series of numbers. Columns of an array are called "0", "1" and so on, one alone "value".

    Raises:
        UnusableSeries: it is none of these, or its columns differ in length.
    """
    if isinstance(frame, Table):
        return frame
    columns = tuple(_column(str(name), values) for name, values in _named(frame))
    lengths = {column.name: len(column.values) for column in columns}
    if len(set(lengths.values())) > 1:
        raise UnusableSeries("frame", f"its columns have different lengths: {lengths}.")
    return Table(rows=next(iter(lengths.values()), 0), columns=columns)


def _named(frame: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(frame, Mapping):
        yield from frame.items()
    elif hasattr(frame, "column_names"):  # pyarrow
        yield from ((name, frame.column(name).to_numpy()) for name in frame.column_names)
    elif hasattr(frame, "columns"):  # pandas, polars
        if (times := _times(frame)) is not None:
            yield "time", times
        yield from ((name, frame[name]) for name in frame.columns)
    else:
        yield from _arrays(frame)


def _times(frame: Any) -> Any:
    """The index of a pandas frame or series that tells when; None where there is no such index."""
    index: Any = getattr(frame, "index", None)
    if index is not None and hasattr(index, "to_timestamp"):
        index = index.to_timestamp()
    return index if index is not None and np.asarray(index).dtype.kind == "M" else None


def _arrays(frame: Any) -> Iterator[tuple[str, Any]]:
    values = np.asarray(frame)
    if values.ndim == 1:
        if (times := _times(frame)) is not None:
            yield "time", times
        yield str(getattr(frame, "name", None) or "value"), values
    elif values.ndim == 2:
        yield from ((str(place), values[:, place]) for place in range(values.shape[1]))
    else:
        raise UnusableSeries("frame", f"is a table: (rows,) or (rows, columns); given was {values.shape}.")


def _column(name: str, values: Any) -> Column:
    found = np.asarray(values)
    if found.dtype.kind in "fiub":
        return Column(name, "number", found.astype(np.float64))
    if found.dtype.kind == "M":
        stamps = found.astype("datetime64[us]")
        return Column(name, "time", np.where(np.isnat(stamps), NO_TIME, stamps.astype(np.int64)))
    return _of_objects(name, found)


def _of_objects(name: str, found: Any) -> Column:
    """Numbers with None between them, or words."""
    words = [None if _is_nothing(each) else each for each in found.ravel()]
    if all(each is None or isinstance(each, int | float | np.number) for each in words):
        return Column(name, "number", np.array([np.nan if each is None else float(each) for each in words]))
    levels = tuple(dict.fromkeys(str(each) for each in words if each is not None))
    places = {level: place for place, level in enumerate(levels)}
    return Column(name, "category", np.array([-1 if each is None else places[str(each)] for each in words]), levels)


def _is_nothing(value: Any) -> bool:
    """None, NaN, NaT and pandas' NA: what does not equal itself, or won't say."""
    if value is None:
        return True
    try:
        return not bool(value == value)
    except TypeError:
        return True
