"""A series that is to be foretold from its past: one or several columns at evenly spaced times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from memspan.statistics.bootstrap import Floats

FEWEST_POINTS = 60
"""usable points below which the interval doesn't hold the truth often enough to be told"""
MOST_MISSING = 0.2
"""share of the rows"""


class UnusableSeries(ValueError):
    """A series that the question can't be asked of; ``field`` is the argument that would have to change."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.sentence = sentence


@dataclass(frozen=True)
class Series:
    """Columns (n, C) that are known at n evenly spaced times, and one that is foretold from them.

    Attributes:
        values: (n, C), in the units of the data; NaN where something is missing.
        names: of the C columns.
        foretold: (n,) the column that is foretold, which may be one of them.
        target: its name.
        horizon: steps from the last known row to the one that is foretold, 1 or more.
        step: what one time step is called, such as "week".
        season: steps of the period that the data are known to have.
    """

    values: Floats
    names: tuple[str, ...]
    foretold: Floats
    target: str
    horizon: int = 1
    step: str = "step"
    season: int | None = None

    def __post_init__(self) -> None:
        rows, columns = self.values.shape
        if len(self.names) != columns:
            raise UnusableSeries("names", f"there are {columns} columns and {len(self.names)} names.")
        if rows < FEWEST_POINTS:
            raise UnusableSeries("series", f"at least {FEWEST_POINTS} rows are needed; there are {rows}.")
        if not 1 <= self.horizon <= rows // 2:
            raise UnusableSeries("horizon", f"lies from 1 to half of the {rows:,} rows; given was {self.horizon}.")
        if self.season is not None and not 2 <= self.season <= rows // 2:
            raise UnusableSeries("season", f"lies from 2 to half of the {rows:,} rows; given was {self.season}.")
        _hold_numbers(self.target, self.foretold)
        for place, name in enumerate(self.names):
            _hold_numbers(name, self.values[:, place])

    def __len__(self) -> int:
        return len(self.values)

    @property
    def columns(self) -> int:
        """How many are known at each step."""
        return len(self.names)

    @property
    def holes(self) -> NDArray[np.int64]:
        """The rows in which something is missing, ascending."""
        return np.flatnonzero(np.isnan(self.values).any(axis=1) | np.isnan(self.foretold))

    def interpolated(self) -> Series:
        """Inner gaps filled along straight lines; rows before the first value of a column and after its last stay."""
        filled = np.column_stack([_filled(column) for column in self.values.T])
        return replace(self, values=filled, foretold=_filled(self.foretold))

    def changes(self) -> Series:
        """What each step changes: x(t) - x(t-1), one row fewer."""
        return replace(self, values=np.diff(self.values, axis=0), foretold=np.diff(self.foretold))


def series(columns: Mapping[str, Floats], target: str, horizon: int = 1, season: int | None = None) -> Series:
    """Of columns by name, each (n,), of which one is foretold."""
    values = np.column_stack(list(columns.values()))
    return Series(values, tuple(columns), columns[target], target, horizon, "step", season)


def _hold_numbers(name: str, column: Floats) -> None:
    if np.isinf(column).any():
        raise UnusableSeries(name, f"row {int(np.argmax(np.isinf(column))) + 1} is infinite.")
    missing = float(np.isnan(column).mean())
    if missing > MOST_MISSING:
        raise UnusableSeries(name, f"at most {MOST_MISSING:.0%} may be missing; {missing:.0%} are.")
    if np.nanmin(column) == np.nanmax(column):
        raise UnusableSeries(name, f"is {np.nanmin(column):g} in every row: there is nothing to learn.")


def _filled(column: Floats) -> Floats:
    known = np.flatnonzero(np.isfinite(column))
    rows = np.arange(len(column))
    filled: Floats = np.interp(rows, known, column[known], left=np.nan, right=np.nan)
    return filled
