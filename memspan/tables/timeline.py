"""Timelines: which column of a table tells when, which tells what a row belongs to, and how far apart rows are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from memspan.tables.fault import refused
from memspan.tables.table import NO_TIME, Column, Table

Unit = Literal["months", "microseconds", "number"]
TIME_NAMES = ("time", "date", "datetime", "timestamp", "ds", "year", "month", "day", "t", "step", "index")
SERIES_NAMES = ("item_id", "unique_id", "series_id", "series")
DAY = 86_400_000_000
"""microseconds"""
UNITS = ((7 * DAY, "week"), (DAY, "day"), (DAY // 24, "hour"), (60_000_000, "minute"), (1_000_000, "second"))


@dataclass(frozen=True, eq=False)
class Timeline:
    """When each row of a table is.

    Attributes:
        column: its name.
        unit: what positions count.
        positions: of the rows (R,), in file order; NaN where a time is missing.
        step: the commonest difference between neighbours of one series.
    """

    column: str
    unit: Unit
    positions: NDArray[np.float64]
    step: float

    @property
    def words(self) -> str:
        """The step as people say it."""
        if self.unit == "months":
            years, months = divmod(round(self.step), 12)
            return _counted(years, "year") if years and not months else _counted(round(self.step), "month")
        if self.unit == "number":
            return f"{self.step:g}"
        size, name = next(((size, name) for size, name in UNITS if self.step % size == 0), (1_000_000, "second"))
        return _counted(self.step / size, name)


def _counted(count: float, name: str) -> str:
    return f"{count:g} {name}" + ("" if count == 1 else "s")


def time_column(table: Table, asked: str | None = None) -> Column | None:
    """The column that tells when: the one that was asked for, else one of times, else one of rising numbers by name.

    Raises:
        Unreadable: there is no such column, or it is of words.
    """
    if asked is not None:
        found = table[asked]
        if found.type not in ("time", "number"):
            message = "Is no column of times; say in `time_format` how they are written, such as %d/%m/%Y."
            raise refused("wrong_type", message, column=asked)
        return found
    times = [column for column in table.columns if column.type == "time"]
    if times:
        return times[0]
    named = (column for column in table.columns if column.name.lower() in TIME_NAMES and column.type == "number")
    return next(
        (column for column in named if len(column.values) > 1 and bool((np.diff(column.values) > 0).all())), None
    )


def series_column(table: Table, asked: str | None = None) -> Column | None:
    """The column that tells which series a row belongs to: the one that was asked for, else one by its name."""
    if asked is not None:
        found = table[asked]
        if found.type not in ("category", "number"):
            raise refused("wrong_type", "Series are told apart by words or whole numbers.", column=asked)
        return found
    named = (column for column in table.columns if column.name.lower() in SERIES_NAMES)
    return next((column for column in named if column.type in ("category", "number")), None)


def series_rows(table: Table, column: Column | None) -> list[NDArray[np.intp]]:
    """The rows of each series, in file order, series in the order of their first rows; rows of none are left out."""
    if column is None:
        return [np.arange(table.rows)]
    there = np.flatnonzero(~column.is_missing)
    _, first, owner = np.unique(column.values[there], return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    sorted_rows = np.argsort(rank[owner], kind="stable")
    cuts = np.cumsum(np.bincount(rank[owner], minlength=len(first)))[:-1]
    return [there[rows] for rows in np.split(sorted_rows, cuts)]


def timeline(column: Column, series: list[NDArray[np.intp]]) -> Timeline:
    """Positions and commonest step of a column of times or numbers."""
    if column.type == "number":
        return _with_step(column.name, "number", column.values, series)
    if (months := _months(column.values)) is not None:
        return _with_step(column.name, "months", months, series)
    positions = np.where(column.values == NO_TIME, np.nan, column.values.astype(np.float64))
    return _with_step(column.name, "microseconds", positions, series)


def _months(values: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Months since 1970, where all instants lie equally far behind the beginning of theirs."""
    there = values != NO_TIME
    stamps = values.view("datetime64[us]")
    months = stamps.astype("datetime64[M]")
    known = stamps[there]
    behind = known - known.astype("datetime64[M]").astype("datetime64[us]")
    if len(known) < 2 or (behind != behind[0]).any() or len(np.unique(known.astype("datetime64[M]"))) < 2:
        return None
    return np.where(there, months.astype(np.int64).astype(np.float64), np.nan)


def _with_step(name: str, unit: Unit, positions: NDArray[np.float64], series: list[NDArray[np.intp]]) -> Timeline:
    steps = np.concatenate([np.diff(positions[rows]) for rows in series] or [np.empty(0)])
    steps = steps[np.isfinite(steps) & (steps > 0)]
    if unit == "number" and len(steps):
        steps = np.round(steps, 12 - int(np.ceil(np.log10(max(steps.max(), 1e-300)))) if steps.max() > 0 else 12)
    values, often = np.unique(steps, return_counts=True)
    return Timeline(name, unit, positions, float(values[often.argmax()]) if len(values) else 0.0)


@dataclass(frozen=True)
class Break:
    """Two neighbours of a series that aren't one step apart.

    Attributes:
        row: of the second, counted from 0.
        kind: ``missing_time``: it has no time; ``duplicate_time``; ``falling_time``; ``gap``: steps are left out;
            ``off_step``: not a whole number of steps later.
        steps: from the first to the second.
    """

    row: int
    kind: str
    steps: float


def breaks(line: Timeline, series: list[NDArray[Any]]) -> Iterator[Break]:
    """Where a timeline isn't regular, series by series."""
    for rows in series:
        positions = line.positions[rows]
        apart = np.diff(positions) / (line.step or 1.0)
        for place in np.flatnonzero(np.isnan(positions)):
            yield Break(int(rows[place]), "missing_time", float("nan"))
        for place in np.flatnonzero(np.abs(apart - 1) > 1e-6):
            yield Break(int(rows[place + 1]), _kind(float(apart[place])), float(apart[place]))


def _kind(steps: float) -> str:
    if steps == 0:
        return "duplicate_time"
    if steps < 0:
        return "falling_time"
    return "gap" if abs(steps - round(steps)) <= 1e-6 and steps > 1 else "off_step"
