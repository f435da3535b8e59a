"""Reading NPY and NPZ files: tables, or sequences that were cut already."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from memspan.tables.array_header import read_array
from memspan.tables.caps import Caps
from memspan.tables.cut_sequences import INPUTS, cut_sequences
from memspan.tables.dialect import checked_names
from memspan.tables.fault import Fault, Faults, refused
from memspan.tables.table import Column, Sequences, Table

Arrays = Mapping[str, np.ndarray[Any, Any]]


def read_npy(file: BinaryIO, caps: Caps) -> Table:
    """The table of an NPY file: (rows,) or (rows, columns).

    Raises:
        Unreadable: it is damaged, too large, or no table.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    values = read_array(file, size, "The file", caps)
    if values.ndim > 2:
        message = "The array has 3 axes: sequences need targets, so put `inputs` and `targets` into an NPZ file."
        raise refused("wrong_axes", message)
    table = values.reshape(len(values), -1)
    names = ["value"] if values.ndim == 1 else [f"column_{number + 1}" for number in range(table.shape[1])]
    return _table(dict(zip(names, table.T, strict=True)), "npy", caps)


def read_npz(file: BinaryIO, caps: Caps) -> Table | Sequences:
    """Sequences where the file has ``inputs`` and ``targets``, else a table with a column for each array (rows,).

    Raises:
        Unreadable: it is damaged, unpacks to more than is read, or is neither.
    """
    arrays = _unpacked(file, caps)
    if INPUTS in arrays:
        return cut_sequences(arrays, caps)
    several = next((name for name, values in arrays.items() if values.ndim != 1), None)
    if several is not None:
        message = "A table has one array of one axis for each column; sequences have `inputs` and `targets`."
        raise refused("wrong_axes", message, column=several)
    return _table(arrays, "npz", caps)


def _unpacked(file: BinaryIO, caps: Caps) -> Arrays:
    """All arrays by name, after the sizes that the archive tells were checked."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_members(members, caps)
            found = {each.filename.removesuffix(".npy"): _member(archive, each, caps) for each in members}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise refused("damaged", f"The file is no NPZ archive, or damaged: {str(error)[:80]}") from None
    if not found:
        raise refused("no_rows", "The archive holds no array.")
    return found


def _check_members(members: list[zipfile.ZipInfo], caps: Caps) -> None:
    if len(members) > caps.members:
        raise refused("too_many_columns", f"The archive holds {len(members)} arrays; at most {caps.members} are read.")
    for member in members:
        if not member.filename.endswith(".npy") or "/" in member.filename:
            raise refused("unknown_type", "An NPZ file holds arrays (.npy) and nothing else.", given=member.filename)
    unpacked = sum(member.file_size for member in members)
    if unpacked > caps.bytes:
        raise refused("too_large", f"The archive unpacks to {unpacked} bytes; at most {caps.bytes} are read.")
    packed = sum(member.compress_size for member in members)
    if unpacked > caps.ratio * max(packed, 1) and unpacked > 2**24:
        message = (
            f"The archive unpacks to {unpacked // max(packed, 1)} times its size; at most {caps.ratio} times is read."
        )
        raise refused("too_large", message)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, caps: Caps) -> np.ndarray[Any, Any]:
    try:
        with archive.open(member) as packed:
            return read_array(packed, member.file_size, member.filename, caps)
    except (zlib.error, zipfile.BadZipFile) as error:
        raise refused("damaged", f"{member.filename} is damaged: {str(error)[:80]}") from None


def _table(arrays: Arrays, form: str, caps: Caps) -> Table:
    """A table of columns (rows,) by name."""
    checked_names(list(arrays), caps)
    rows = {len(values) for values in arrays.values()}
    if len(rows) > 1:
        lengths = ", ".join(f"{name} {len(values)}" for name, values in list(arrays.items())[:10])
        raise refused("ragged_row", f"All columns of a table have equally many rows; given {lengths}.")
    count = rows.pop() if rows else 0
    if not count:
        raise refused("no_rows", "The file has no rows.")
    if count > caps.rows:
        raise refused("too_many_rows", f"The file has {count} rows; at most {caps.rows} are read.")
    if count * len(arrays) * 8 > caps.bytes:
        raise refused("too_large", f"The table has {count * len(arrays)} values; at most {caps.bytes // 8} are read.")
    faults = Faults(caps.faults)
    columns = tuple(_column(name, values, faults) for name, values in arrays.items())
    faults.refuse()
    return Table(count, columns, {"format": form})


def _column(name: str, values: np.ndarray[Any, Any], faults: Faults) -> Column:
    if values.dtype.kind == "b":
        return Column(name, "category", values.astype(np.int32), ("false", "true"))
    numbers = values.astype(np.float64)
    places = np.flatnonzero(np.isinf(numbers))
    told = places[: max(faults.room, 0)]
    message = "Must be finite; NaN where it is missing."
    for place in told:
        faults.add(Fault("not_finite", message, int(place) + 1, name, str(numbers[place])))
    faults.count(len(places) - len(told))
    return Column(name, "number", numbers)
