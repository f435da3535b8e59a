"""What is asked of a table, and the series that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from memspan.needed_history.series import MOST_MISSING, Series, UnusableSeries
from memspan.statistics.bootstrap import Floats
from memspan.tables.fault import Unreadable
from memspan.tables.table import Column, Table
from memspan.tables.timeline import Timeline, breaks, series_column, time_column, timeline

MOST_LEVELS = 32
"""words of a category that become columns of their own"""
COUNTED = ("year", "month", "week", "day", "hour", "minute", "second")
"""columns that count the steps of their name"""
SEVERAL = "Are there several series? Name the column that tells them apart as series_column, and which one as only."
MOST_OFF_STEP = 0.01
"""share of the rows that may lie between the steps"""


@dataclass(frozen=True)
class Question:
    """How much history does this column need?

    Attributes:
        target: the column to foretell; None where there is one of numbers only.
        inputs: the columns that are known up to now; by default the target's own past alone.
        horizon: steps ahead.
        season: steps of the period that the data are known to have.
        missing: what is done where values or rows are missing: ``error``, ``interpolate`` along straight lines, or
            ``segment``: no window reaches over a gap.
        of: the ``level`` of the columns, or the ``change`` from one row to the next.
        time: the column that tells when; else it is guessed.
        only: of several series in one table, the one that is asked about.
        series_column: the column that tells series apart; else it is guessed by its name, such as ``series``.
    """

    target: str | None = None
    inputs: tuple[str, ...] | None = None
    horizon: int = 1
    season: int | None = None
    missing: Literal["error", "interpolate", "segment"] = "error"
    of: Literal["level", "change"] = "level"
    time: str | None = None
    only: str | None = None
    series_column: str | None = None

    def __post_init__(self) -> None:
        for field, given, known in (
            ("missing", self.missing, ("error", "interpolate", "segment")),
            ("of", self.of, ("level", "change")),
        ):
            if given not in known:
                raise UnusableSeries(field, f"is one of {', '.join(known)}; given was {given!r}.")


def series_of(table: Table, asked: Question) -> Series:
    """The series that a question is about, its gaps filled or left as holes.

    Raises:
        UnusableSeries: the table has no such column, its rows aren't evenly spaced, or values are missing.
    """
    table = _one_series(table, asked)
    time = _time(table, asked.time)
    target = _column(table, _target(table, asked.target, time), "target").name
    inputs = tuple(dict.fromkeys(asked.inputs)) if asked.inputs is not None else (target,)
    if not inputs:
        raise UnusableSeries("inputs", "at least one column is known; none was given.")
    line = timeline(time, [np.arange(table.rows)]) if time else None
    rows = _even_rows(line, table.rows) if line else np.arange(table.rows)
    parts = (part for each in inputs for part in _numbers(_column(table, each, "inputs")))
    columns = {name: _laid_out(values, rows) for name, values in parts}
    foretold = _laid_out(table[target].values, rows)
    found = Series(
        values=np.column_stack(list(columns.values())),
        names=tuple(columns),
        foretold=foretold,
        target=target,
        horizon=asked.horizon,
        step=_step(line),
        season=asked.season,
    )
    whole = _without_gaps(found, asked.missing)
    return whole.changes() if asked.of == "change" else whole


def _one_series(table: Table, asked: Question) -> Table:
    only, owner = asked.only, _owners(table, asked.series_column)
    if owner is None:
        if only is not None:
            raise UnusableSeries("only", f"there is one series in this table; given was {only!r}. {SEVERAL}")
        return table
    names = [_owner(owner, value) for value in dict.fromkeys(owner.values[~owner.is_missing].tolist())]
    if only is None and len(names) > 1:
        raise UnusableSeries("only", f"there are {len(names)} series by {owner.name}; say which: {_listed(names)}.")
    if only is not None and only not in names:
        raise UnusableSeries("only", f"there is no series {only!r}; there are {_listed(names)}.")
    rows = np.flatnonzero([_owner(owner, value) == (only or names[0]) for value in owner.values.tolist()])
    kept = (column for column in table.columns if column.type != "text" and column is not owner)
    columns = tuple(Column(each.name, each.type, each.values[rows], each.levels) for each in kept)
    return Table(len(rows), columns)


def _owners(table: Table, asked: str | None) -> Column | None:
    try:
        return series_column(table, asked)
    except Unreadable as wrong:
        raise UnusableSeries("series_column", wrong.faults[0].message) from None


def _owner(column: Column, value: float) -> str:
    if column.type == "category":
        return column.levels[int(value)] if value >= 0 else ""
    return f"{value:g}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


def _time(table: Table, asked: str | None) -> Column | None:
    try:
        return time_column(table, asked)
    except Unreadable as wrong:
        raise UnusableSeries("time", wrong.faults[0].message) from None


def _target(table: Table, asked: str | None, time: Column | None) -> str:
    if asked is not None:
        return asked
    numbers = [each.name for each in table.columns if each.type == "number" and each is not time]
    if len(numbers) != 1:
        raise UnusableSeries("target", f"say which column is to be foretold: {_listed(numbers) or 'none has numbers'}.")
    return numbers[0]


def _column(table: Table, name: str, field: str) -> Column:
    found = next((column for column in table.columns if column.name == name), None)
    if found is None:
        known = _listed([column.name for column in table.columns])
        raise UnusableSeries(field, f"there is no column {name!r}; there are {known}.")
    if field == "target" and found.type != "number":
        raise UnusableSeries(field, f"is a column of numbers; {name!r} is a column of type {found.type}.")
    return found


def _numbers(column: Column) -> list[tuple[str, Floats]]:
    """A column of numbers, or one of 0 and 1 for each word of a category."""
    if column.type == "number":
        return [(column.name, column.values)]
    if column.type != "category" or len(column.levels) > MOST_LEVELS:
        what = f"{len(column.levels)} words" if column.type == "category" else f"type {column.type}"
        raise UnusableSeries("inputs", f"are numbers or categories of up to {MOST_LEVELS} words; "
                                       f"{column.name!r} has {what}.")  # fmt: skip
    there = np.where(column.is_missing, np.nan, 1.0)
    return [(f"{column.name}={level}", there * (column.values == place)) for place, level in enumerate(column.levels)]


def _even_rows(line: Timeline, rows: int) -> NDArray[np.int64]:
    """Where each row lies, in steps from the first: whole numbers that rise.

    Raises:
        UnusableSeries: times are missing, double or falling, or more than one row in a hundred is off the step.
    """
    found = list(breaks(line, [np.arange(rows)]))
    for kind, words, hint in (
        ("missing_time", "has no time", ""),
        ("duplicate_time", "has the time of the row before it", f" {SEVERAL}"),
        ("falling_time", "lies before the row before it", f" {SEVERAL}"),
    ):
        wrong = [each.row + 1 for each in found if each.kind == kind]
        if wrong:
            count = f"{len(wrong)} such row" + ("" if len(wrong) == 1 else "s")
            raise UnusableSeries(line.column, f"row {wrong[0]} {words} ({count}).{hint}")
    off = [each.row + 1 for each in found if each.kind == "off_step"]
    if len(off) > MOST_OFF_STEP * rows:
        what = f"rows are {line.words} apart, but {len(off)} of {rows} are not, the first is row {off[0]}"
        limit = f"at most {MOST_OFF_STEP:.0%} may be. Dates such as 20261122 need their format."
        raise UnusableSeries(line.column, f"{what}; {limit}")
    places = np.rint((line.positions - line.positions[0]) / (line.step or 1.0))
    if (np.diff(places) < 1).any():
        raise UnusableSeries(line.column, f"two rows lie within one step of {line.words}: row {off[0]}.")
    if places[-1] + 1 > rows / (1 - MOST_MISSING):
        missing = 1 - rows / (places[-1] + 1)
        raise UnusableSeries(line.column, f"at most {MOST_MISSING:.0%} of the rows may be missing; {missing:.0%} are.")
    return np.asarray(places, dtype=np.int64)


def _laid_out(values: Floats, places: NDArray[np.int64]) -> Floats:
    """Values of the rows that there are over all steps, with NaN where there is no row."""
    spread = np.full(int(places[-1]) + 1 if len(places) else 0, np.nan)
    spread[places] = values
    return spread


def _step(line: Timeline | None) -> str:
    """What a step is called: ``week`` where rows are a week apart, ``year`` where such a column counts, or ``step``."""
    if line is None:
        return "step"
    if line.unit == "number":
        return line.column.lower() if line.step == 1 and line.column.lower() in COUNTED else "step"
    count, _, name = line.words.partition(" ")
    return name if count == "1" else "step"


def _without_gaps(found: Series, missing: str) -> Series:
    if missing == "interpolate":
        return found.interpolated()
    holes = found.holes
    if missing == "error" and len(holes):
        raise UnusableSeries("missing", f"{len(holes)} rows miss a value, the first is row {holes[0] + 1}; say "
                                        "interpolate or segment to go on without them.")  # fmt: skip
    return found
