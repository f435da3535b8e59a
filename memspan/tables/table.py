"""Tables: columns of equal length with types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from memspan.tables.fault import Fault, refused

ColumnType = Literal["number", "category", "time", "text"]
NO_TIME = np.iinfo(np.int64).min
"""a missing instant, as numpy's NaT has it"""
Values = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table.

    Attributes:
        values: of a number float64 (R,), NaN where it is missing; of a category int32 positions in ``levels``, -1 where
            it is missing; of a time int64 microseconds since 1970 in UTC, ``NO_TIME`` where it is missing; of a text,
            which is too varied to be a category, nothing (0,).
        levels: the words of a category in the order in which they first occur.
    """

    name: str
    type: ColumnType
    values: Values
    levels: tuple[str, ...] = ()

    @property
    def is_missing(self) -> NDArray[np.bool_]:
        """Where no value is, (R,)."""
        if self.type == "number":
            return np.isnan(self.values)
        return np.asarray(self.values == (-1 if self.type == "category" else NO_TIME))


@dataclass(frozen=True, eq=False)
class Table:
    """What was understood of a file.

    Attributes:
        rows: R.
        understood: how it was read: ``format``, and of a CSV file ``encoding``, ``separator``, ``decimal``, ``header``.
        remarks: what is worth looking at, though it can be used.
        remarked: how many of those there are.
    """

    rows: int
    columns: tuple[Column, ...]
    understood: dict[str, Any] = field(default_factory=dict)
    remarks: Sequence[Fault] = ()
    remarked: int = 0

    def __getitem__(self, name: str) -> Column:
        """A column by its name; raises Unreadable, which tells the names that there are."""
        for column in self.columns:
            if column.name == name:
                return column
        known = ", ".join(column.name for column in self.columns[:20])
        raise refused("unknown_column", f"There is no column {name!r}. There are: {known}.", given=name)


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences that were cut already, with their targets.

    Shapes:
        inputs (N, T, C) float32, or (N, T, 1) whole numbers; targets (N,) int64 class numbers, (N, K) float32; groups
        (N,) int64: what belongs together, or None.
    """

    inputs: Values
    targets: Values
    groups: Values | None = None
    understood: dict[str, Any] = field(default_factory=dict)
