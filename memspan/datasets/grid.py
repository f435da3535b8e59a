"""Grids: the rows of a table as series with equal steps between their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from memspan.tables.table import Column, Table
from memspan.tables.timeline import Break, breaks, series_column, series_rows, time_column, timeline

Missing = Literal["error", "interpolate", "segment"]
MOST_MISSING = 0.2
"""of a series: more are not interpolated"""
MOST_OFF = 0.01
"""of neighbours that aren't a whole number of steps apart: more make a table irregular"""
SEVERAL = "name the `series_column` if there are several series"
ALLOWED = "`missing` takes `interpolate` or `segment`"
LARGEST = 1e18
"""size of a number: squares of larger ones are not finite in the 32 bits that models compute with"""
MOST_STEPS = 2**53
"""between two rows, or two ends of a series: float64 counts no further one by one"""
Numbers = NDArray[np.float64]


class Unfit(Exception):
    """A table can't serve as it was asked to; ``field`` of the task is what asks."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field, self.code, self.message = field, code, message


@dataclass(frozen=True, eq=False)
class Gridded:
    """One series: the target and the inputs at equal steps.

    Attributes:
        target: (R,), NaN where it is not known.
        inputs: (R, C), without NaN where they were interpolated.
        known: whether all inputs of a row were there, (R,).
    """

    target: Numbers
    inputs: Numbers
    known: NDArray[np.bool_]

    @property
    def rows(self) -> int:
        return len(self.target)


def gridded(
    table: Table,
    target: str,
    inputs: Sequence[str],
    time: str | None,
    owner: str | None,
    missing: Missing,
) -> list[Gridded]:
    """The series of a table.

    Raises:
        Unfit: times fall, come twice or are irregular; or values are missing where none may be.
    """
    when, who = time_column(table, time), series_column(table, owner)
    series = series_rows(table, who)
    places = _places(when, series, missing)
    if missing == "error":
        names = tuple(dict.fromkeys((target, *inputs)))
        _check_whole(_columns(table, names), names, series)
    wanted = _columns(table, (target, *inputs))  # (R, 1 + C)
    _check_size(wanted, (target, *inputs))
    return [_one(wanted[rows], at, missing) for rows, at in zip(series, places, strict=True)]


def _columns(table: Table, names: Sequence[str]) -> Numbers:
    return np.stack([table[name].values for name in names], axis=1)


def _check_size(wanted: Numbers, names: Sequence[str]) -> None:
    """Refuse numbers that nothing can be computed with; wanted is (R, 1 + C), the target first."""
    large = np.argwhere(np.abs(wanted) > LARGEST)  # NaN is not
    if len(large):
        row, column = large[0]
        message = (
            f"Row {row + 1} of {names[column]!r} holds {wanted[row, column]:g}; numbers are computed with up to "
            f"{LARGEST:g} in size. Send the column in a larger unit."
        )
        raise Unfit("inputs" if column else "target", "too_large", message)


def _places(when: Column | None, series: list[NDArray[np.intp]], missing: Missing) -> list[NDArray[np.int64]]:
    """The place of each row on its series' grid; one place is left out for each gap unless gaps are interpolated."""
    if when is None:
        return [np.arange(len(rows)) for rows in series]
    line = timeline(when, series)
    found = list(breaks(line, series))
    _check_order(when.name, found, sum(len(rows) for rows in series))
    if missing == "error" and found:
        first = min(found, key=lambda each: each.row)
        count = _counted(len(found), "gap")
        raise Unfit("missing", "gaps", f"{count} in time, the first before row {first.row + 1}; {ALLOWED}.")
    far = [each.row for each in found if abs(each.steps) * len(found) > MOST_STEPS]
    if far:
        message = f"Row {min(far) + 1} of {when.name!r} lies too many steps behind the row before it to be counted."
        raise Unfit("time_column", "irregular", message)
    places = []
    for rows in series:
        steps = np.rint(np.diff(line.positions[rows]) / (line.step or 1.0)).astype(np.int64)
        steps = np.maximum(steps, 1)
        if missing == "segment":
            steps = np.minimum(steps, 2)
        places.append(np.concatenate([[0], np.cumsum(steps)]) if len(rows) else np.empty(0, dtype=np.int64))
    return places


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" + ("" if count == 1 else "s")


def _check_order(name: str, found: Sequence[Break], rows: int) -> None:
    for kind, words in (
        ("missing_time", "has no time"),
        ("falling_time", f"lies before the row before it; {SEVERAL}"),
        ("duplicate_time", f"has the time of the row before it; {SEVERAL}"),
    ):
        wrong = [each.row for each in found if each.kind == kind]
        if wrong:
            message = f"Row {min(wrong) + 1} of {name!r} {words} ({_counted(len(wrong), 'such row')})."
            raise Unfit("time_column", kind, message)
    off = [each.row for each in found if each.kind == "off_step"]
    if len(off) > MOST_OFF * rows:
        message = f"{len(off)} rows of {name!r} are not a whole number of steps apart, the first is {min(off) + 1}."
        raise Unfit("time_column", "irregular", message)


def _check_whole(wanted: Numbers, names: Sequence[str], series: list[NDArray[np.intp]]) -> None:
    used = np.concatenate(series) if series else np.empty(0, dtype=np.intp)
    lacking = np.isnan(wanted[used])
    if lacking.any():
        row = int(used[lacking.any(1)].min())
        name = names[int(np.isnan(wanted[row]).argmax())]
        count = int(lacking.sum())
        told = "1 value is" if count == 1 else f"{count} values are"
        raise Unfit("missing", "missing", f"{told} missing, the first in row {row + 1} of {name!r}; {ALLOWED}.")


def _one(wanted: Numbers, places: NDArray[np.int64], missing: Missing) -> Gridded:
    rows = int(places[-1]) + 1 if len(places) else 0
    if missing == "interpolate" and rows > len(places) / (1 - MOST_MISSING):
        message = (
            f"{rows - len(places)} of {rows} steps of a series have no row; at most {MOST_MISSING:.0%} may be missing."
        )
        raise Unfit("missing", "too_much_missing", message)
    whole = np.full((rows, wanted.shape[1]), np.nan)
    whole[places] = wanted
    inputs = whole[:, 1:].copy()
    known = ~np.isnan(inputs).any(1)
    if missing == "interpolate":
        for channel in range(inputs.shape[1]):
            inputs[:, channel] = _filled(inputs[:, channel])
    return Gridded(whole[:, 0], inputs, known)


def _filled(values: Numbers) -> Numbers:
    """Straight lines over what is missing; its ends stay."""
    there = np.flatnonzero(~np.isnan(values))
    if len(there) < (1 - MOST_MISSING) * len(values):
        message = f"{len(values) - len(there)} of {len(values)} values are missing; at most {MOST_MISSING:.0%} may be."
        raise Unfit("missing", "too_much_missing", message)
    return np.interp(np.arange(len(values)), there, values[there], left=np.nan, right=np.nan)


def differenced(series: Gridded, times: int) -> Gridded:
    """Changes from row to row instead of levels, so many times over; the first rows have none."""
    for _ in range(times):
        lead = np.full((1, series.inputs.shape[1]), np.nan)
        series = Gridded(
            np.concatenate([[np.nan], np.diff(series.target)]),
            np.concatenate([lead, np.diff(series.inputs, axis=0)]),
            np.concatenate([[False], series.known[1:] & series.known[:-1]]),
        )
    return series
