"""Dialects of CSV files: separator, decimal mark and header, seen from a file's beginning."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from memspan.tables.caps import Caps
from memspan.tables.fault import Fault, Unreadable, refused, shortened
from memspan.tables.options import ReadOptions

SEPARATORS = (",", ";", "\t", "|")
POINT = re.compile(r"\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*")
COMMA = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*")
NUMBER = re.compile(r"\s*[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?\s*")

LONGEST_NAME = 200
"""characters"""


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written, and the names of its columns."""

    separator: str
    decimal: str
    has_header: bool
    names: tuple[str, ...]


def dialect_of(beginning: str, options: ReadOptions, caps: Caps) -> Dialect:
    """The dialect of a file that begins so.

    Raises:
        Unreadable: it is empty, or its header has names twice or too many of them.
    """
    separator = options.separator or _separator(beginning)
    rows = _rows(beginning, separator)
    if not rows:
        raise refused("empty", "The file is empty.")
    decimal = options.decimal or _decimal(rows)
    has_header = not all(NUMBER.fullmatch(field) for field in rows[0]) if options.header is None else options.header
    names = _names(rows[0]) if has_header else tuple(f"column_{number + 1}" for number in range(len(rows[0])))
    checked_names(names, caps)
    return Dialect(separator, decimal, has_header, names)


def _rows(beginning: str, separator: str) -> list[list[str]]:
    """The rows that are whole, without blank ones; the first in any case."""
    lines = beginning.splitlines()
    try:
        return [row for row in csv.reader(lines, delimiter=separator) if any(field.strip() for field in row)]
    except csv.Error as error:
        raise refused("no_table", f"The file's beginning is no table: {error}.") from None


def _separator(beginning: str) -> str:
    """What divides most rows into equally many fields, more than one."""

    def fit(separator: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in _rows(beginning, separator)[:200])
        width, often = max(widths.items(), key=lambda each: (each[1], each[0]), default=(1, 0))
        return (often / max(sum(widths.values()), 1) if width > 1 else 0.0, width)

    return max(SEPARATORS, key=fit)


def _decimal(rows: Sequence[Sequence[str]]) -> str:
    """The mark that more numbers have."""
    fields = [field for row in rows for field in row]
    commas = sum(bool(COMMA.fullmatch(field)) for field in fields)
    return "," if commas > sum(bool(POINT.fullmatch(field)) for field in fields) else "."


def _names(header: Sequence[str]) -> tuple[str, ...]:
    """The names, trimmed; a column without one is called by its place."""
    return tuple(name.strip() or f"column_{number + 1}" for number, name in enumerate(header))


def checked_names(names: Sequence[str], caps: Caps) -> None:
    """Raises Unreadable where columns are too many, or names are too long or the same."""
    if len(names) > caps.columns:
        raise refused("too_many_columns", f"The file has {len(names)} columns; at most {caps.columns} are read.")
    twice = [name for name, often in Counter(names).items() if often > 1]
    found = [Fault("duplicate_name", "Several columns have this name.", column=shortened(name)) for name in twice]
    long = [name for name in names if len(name) > LONGEST_NAME]
    message = f"A name has at most {LONGEST_NAME} characters."
    found += [Fault("long_name", message, column=shortened(name)) for name in long]
    if found:
        raise Unreadable(found[: caps.faults], len(found))
