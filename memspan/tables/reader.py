"""Reading a file of a user: what kind it is, and what is in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Literal

from memspan.tables.caps import Caps
from memspan.tables.fault import refused
from memspan.tables.options import GUESSED, ReadOptions
from memspan.tables.remarks import with_remarks
from memspan.tables.table import Sequences, Table

Format = Literal["csv", "parquet", "npy", "npz"]
SIGNS: tuple[tuple[bytes, Format], ...] = ((b"PAR1", "parquet"), (b"\x93NUMPY", "npy"), (b"PK\x03\x04", "npz"))
OTHERS = {
    b"\x1f\x8b": "a gzip file: unpack it first",
    b"\xd0\xcf\x11\xe0": "an Excel file: save it as CSV",
    b"%PDF": "a PDF file: save its table as CSV",
    b"ARROW1": "an Arrow file: save it as Parquet",
    b"\x89HDF": "an HDF5 file: save its arrays as NPZ",
    b"\x80\x04": "a pickle, which is never opened: save the arrays as NPZ",
    b"\x80\x05": "a pickle, which is never opened: save the arrays as NPZ",
}
"""what people have, by how it begins"""


def read_table(file: Path | BinaryIO, options: ReadOptions = GUESSED, caps: Caps = Caps()) -> Table | Sequences:  # noqa: B008, frozen
    """What is in a CSV, Parquet, NPY or NPZ file, which kind is seen from its first bytes.

    Raises:
        Unreadable: with all that is wrong, by row and column.
    """
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return read_table(opened, options, caps)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size > caps.file_bytes:
        raise refused("too_large", f"The file has {size} bytes; at most {caps.file_bytes} are read.")
    found = _read(file, _format_of(file, options), options, caps)
    return with_remarks(found, options, caps) if isinstance(found, Table) else found


def _format_of(file: BinaryIO, options: ReadOptions) -> Format:
    """By a file's first bytes; raises Unreadable for what is none of those that are read, and for another than said."""
    beginning = file.read(16)
    file.seek(0)
    if not beginning:
        raise refused("empty", "The file is empty.")
    other = next((words for sign, words in OTHERS.items() if beginning.startswith(sign)), None)
    if other:
        raise refused("unknown_format", f"This is {other}. CSV, Parquet, NPY and NPZ are read.")
    found: Format = next((form for sign, form in SIGNS if beginning.startswith(sign)), "csv")
    if beginning.startswith(b"PK\x05\x06"):
        found = "npz"
    if options.format not in (None, found):
        message = f"The file is said to be {options.format} and begins like {found}."
        raise refused("wrong_format", message, given=options.format)
    return found


def _read(file: BinaryIO, form: Format, options: ReadOptions, caps: Caps) -> Table | Sequences:
    """pyarrow is imported by what needs it: it takes 100 MB."""
    match form:
        case "csv":
            from memspan.tables.csv_file import read_csv

            return read_csv(file, options, caps)
        case "parquet":
            from memspan.tables.parquet_file import read_parquet

            return read_parquet(file, options, caps)
        case "npy":
            from memspan.tables.array_file import read_npy

            return read_npy(file, caps)
    from memspan.tables.array_file import read_npz

    return read_npz(file, caps)
