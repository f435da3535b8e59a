"""Reading CSV files, in batches. Imports pyarrow."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as csv

from memspan.tables.caps import Caps
from memspan.tables.decoding import Utf8, encoding_of
from memspan.tables.dialect import Dialect, dialect_of
from memspan.tables.fault import Fault, Faults, Unreadable, refused, shortened
from memspan.tables.growing import MISSING, GrowingColumn
from memspan.tables.options import ReadOptions
from memspan.tables.table import Table

BLOCK = 2**22
"""bytes of a batch; a row must fit one"""


def read_csv(file: BinaryIO, options: ReadOptions, caps: Caps) -> Table:
    """The table of a CSV file, with text words understood as numbers, times or categories.

    Raises:
        Unreadable: with everything that is wrong with its rows, or the first thing that hides the rest.
    """
    beginning = file.read(4)
    file.seek(0)
    encoding = encoding_of(beginning, options.encoding)
    sample = _sample(Utf8(file, encoding), caps.sample_bytes)
    dialect = dialect_of(sample, options, caps)
    file.seek(0)
    table = _Reading(dialect, options, caps).table(io.BufferedReader(Utf8(file, encoding), 2**16))
    shown = {"encoding": encoding.removesuffix("-sig"), "separator": dialect.separator, "decimal": dialect.decimal}
    return replace(table, understood={"format": "csv", **shown, "header": dialect.has_header})


def _sample(text: Utf8, count: int) -> str:
    """A file's first whole lines."""
    beginning = io.BufferedReader(text, 2**16).read(count)
    found = beginning.decode("utf-8", errors="ignore")
    cut = found.rfind("\n")
    return found[:cut] if len(beginning) == count and cut > 0 else found


class _Reading:
    """One pass over a file."""

    def __init__(self, dialect: Dialect, options: ReadOptions, caps: Caps) -> None:
        self._dialect, self._caps = dialect, caps
        self._faults = Faults(caps.faults)
        self._ragged: list[int] = []  # numbers of rows that were left out
        self._rows = 0
        unknown = [name for name in options.types if name not in dialect.names]
        if unknown:
            raise refused(
                "unknown_column", f"`types` names a column that isn't there: {unknown[0]!r}.", given=unknown[0]
            )
        self._columns = [
            GrowingColumn(
                name,
                caps,
                self._faults,
                "time" if options.time_format and name == options.time_column else options.types.get(name),
                dialect.decimal,
                options.time_format if name == options.time_column else None,
            )
            for name in dialect.names
        ]

    def table(self, text: Any) -> Table:
        try:
            for batch in self._batches(text):
                self._take(batch)
        except pa.ArrowInvalid as error:
            raise self._unreadable(str(error)) from None
        if not self._rows and not self._faults.total:
            raise refused("no_rows", "The file has no row below its header.")
        self._refuse()
        return Table(self._rows, tuple(column.finished() for column in self._columns))

    def _batches(self, text: Any) -> Iterator[Any]:
        names = list(self._dialect.names)
        reader = csv.open_csv(
            text,
            read_options=csv.ReadOptions(
                use_threads=False,
                block_size=BLOCK,
                column_names=names,
                skip_rows=0,
                skip_rows_after_names=1 if self._dialect.has_header else 0,
            ),
            parse_options=csv.ParseOptions(delimiter=self._dialect.separator, invalid_row_handler=self._leave_out),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=list(MISSING)
            ),
        )
        yield from reader

    def _leave_out(self, row: Any) -> str:
        """A row that has more or fewer fields than there are columns is a fault; the rest is read all the same."""
        number = row.number - self._dialect.has_header
        self._ragged.append(number)
        message = f"Has {row.actual_columns} fields; the file has {row.expected_columns} columns."
        self._faults.add(Fault("ragged_row", message, number, given=shortened(row.text)))
        return "skip"

    def _take(self, batch: Any) -> None:
        if self._rows + len(batch) > self._caps.rows:
            raise refused("too_many_rows", f"The file has more than {self._caps.rows} rows, which is the limit.")
        room = self._caps.bytes // 8
        if (self._rows + len(batch)) * len(self._columns) > room:
            message = f"The table has more than {room} values ({len(self._columns)} a row), which is the limit."
            raise refused("too_large", message)
        for column, words in zip(self._columns, batch.columns, strict=True):
            column.add_words(words)
        self._rows += len(batch)

    def _refuse(self) -> None:
        """Faults count rows as the file has them, with those that were left out."""
        if self._faults.total:
            found = [self._in_file(fault) for fault in self._faults.found]
            raise Unreadable(sorted(found, key=lambda fault: fault.row or 0), self._faults.total)

    def _in_file(self, fault: Fault) -> Fault:
        if fault.row is None or fault.code == "ragged_row":
            return fault
        row = fault.row
        for left_out in self._ragged:
            if left_out > row:
                break
            row += 1
        return replace(fault, row=row)

    def _unreadable(self, reason: str) -> Unreadable:
        """What the reader itself refuses."""
        if "straddling" in reason or "block" in reason:
            return refused("long_row", f"Some row is longer than {BLOCK} bytes; is a quotation mark never closed?")
        return refused("no_table", f"The file can't be read as a table behind row {self._rows}: {shortened(reason)}")
