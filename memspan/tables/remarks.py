"""Remarks: what is worth looking at in a table that can be used."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from memspan.tables.caps import Caps
from memspan.tables.fault import Fault, Faults, shortened
from memspan.tables.options import ReadOptions
from memspan.tables.table import Column, Table
from memspan.tables.timeline import (
    TIME_NAMES,
    Break,
    Timeline,
    breaks,
    series_column,
    series_rows,
    time_column,
    timeline,
)

FEWEST_ROWS = 60
"""of a series, below which nothing can be learned from it"""
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b")
"""begins a word that people read as a day"""
BREAKS = {
    "missing_time": "Has no time.",
    "duplicate_time": "Has the time of the row before it; name the `series_column` if there are several series.",
    "falling_time": "Lies before the row before it; name the `series_column` if there are several series.",
    "gap": "{count:g} steps of {step} are left out before it.",
    "off_step": "Lies {steps:.4g} steps of {step} behind the row before it.",
}


def with_remarks(table: Table, options: ReadOptions, caps: Caps) -> Table:
    """The table, and what is worth looking at: missing values, columns of one value, gaps in time, too few rows.

    Raises:
        Unreadable: the options name a column that isn't there, or no time or series column.
    """
    time = time_column(table, options.time_column)
    owner = series_column(table, options.series_column)
    series = series_rows(table, owner)
    found = Faults(caps.faults)
    for column in table.columns:
        _column(column, table.rows, found)
        if time is None:
            _unread_times(column, found)
    longest = max(len(rows) for rows in series) if series else 0
    if longest < FEWEST_ROWS:
        message = f"The longest series has {longest} rows; less than {FEWEST_ROWS} are too few to learn from."
        found.add(Fault("too_short", message))
    line = timeline(time, series) if time else None
    if line:
        for broken in breaks(line, series):
            found.add(_break(broken, line))
    understood = {
        **table.understood,
        "time_column": line.column if line else None,
        "step": line.words if line and line.step else None,
        "series_column": owner.name if owner else None,
        "series": {
            "count": len(series),
            "shortest": min((len(rows) for rows in series), default=0),
            "longest": longest,
        },
    }
    return replace(table, understood=understood, remarks=found.found, remarked=found.total)


def _column(column: Column, rows: int, found: Faults) -> None:
    if column.type == "text":
        message = (
            "Has too many different words for a category: it can't be used. If it tells when, say `time_column` and "
            "`time_format`."
        )
        found.add(Fault("text", message, column=column.name))
        return
    missing = column.is_missing
    count = int(missing.sum())
    if count:
        message = f"{count} of {rows} values are missing, the first in this row."
        found.add(Fault("missing", message, int(missing.argmax()) + 1, column.name))
    there = column.values[~missing] if count else column.values
    if len(there) and rows > 1 and bool((there == there[0]).all()):
        found.add(Fault("constant", "Has one value only.", column=column.name, given=_shown(column, there[0])))


def _unread_times(column: Column, found: Faults) -> None:
    """01/02/2021 is two days, so it is never guessed; without a word its rows would be taken as evenly spaced."""
    if column.type == "number" and column.name.lower() in TIME_NAMES and column.values.size > 1:
        message = "Does not rise, so it is not the time; of several series say `series_column` and `time_column`."
        found.add(Fault("unread_time", message, column=column.name))
    elif column.levels and all(map(DATE.match, column.levels)):
        message = (
            "Looks like days that can be read in two ways, so it tells nothing: say `time_column` and `time_format`, "
            "such as %d/%m/%Y."
        )
        found.add(Fault("unread_time", message, column=column.name, given=shortened(column.levels[0])))


def _shown(column: Column, value: np.generic) -> str:
    return column.levels[int(value)] if column.type == "category" else f"{value}"


def _break(broken: Break, line: Timeline) -> Fault:
    words = BREAKS[broken.kind].format(count=broken.steps - 1, steps=broken.steps, step=line.words)
    return Fault(broken.kind, words, broken.row + 1, line.column)
