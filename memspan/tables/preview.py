"""Previews: the first rows of a table, and its columns as coarse curves."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from memspan.tables.description import Said, moment
from memspan.tables.table import NO_TIME, Column, Sequences, Table, Values

ROWS = 20
POINTS = 200
"""of a curve"""
CURVES = 50
"""columns that are drawn"""
SEQUENCES, STEPS, CHANNELS = 3, 200, 20
"""that are shown of sequences"""


class Curve(Said):
    """A column in so many pieces of equal length."""

    column: str = Field(max_length=200)
    rows: list[int] = Field(description="at which each piece begins, 0 the first", max_length=POINTS)
    mean: list[float | None] = Field(max_length=POINTS)
    low: list[float | None] = Field(max_length=POINTS)
    high: list[float | None] = Field(max_length=POINTS)


class Preview(Said):
    """What is shown of a data set."""

    columns: list[str] = Field(description="of the rows below", max_length=10_000)
    rows: list[list[float | str | None]] = Field(description="the first ones", max_length=ROWS)
    curves: list[Curve] = Field(description="of the columns of numbers", max_length=CURVES)
    sequences: list[list[list[float]]] | None = Field(
        description="the first sequences, their first steps and channels", max_length=SEQUENCES
    )
    targets: list[float | list[float]] | None = Field(description="of these sequences", max_length=SEQUENCES)


def preview(found: Table | Sequences) -> Preview:
    """The first rows and coarse curves of a table; the first sequences."""
    if isinstance(found, Sequences):
        shown = found.inputs[:SEQUENCES, :STEPS, :CHANNELS].astype(float).tolist()
        targets = found.targets[:SEQUENCES].astype(float).tolist()
        return Preview(columns=[], rows=[], curves=[], sequences=shown, targets=targets)
    usable = [column for column in found.columns if column.type != "text"]
    first = [_shown(column) for column in usable]
    return Preview(
        columns=[column.name for column in usable],
        rows=[list(row) for row in zip(*first, strict=True)],
        curves=[_curve(column) for column in usable if column.type == "number"][:CURVES],
        sequences=None,
        targets=None,
    )


def _shown(column: Column) -> list[float | str | None]:
    """The first values as people read them."""
    return [_value(column, value) for value in column.values[:ROWS]]


def _value(column: Column, value: Any) -> float | str | None:
    if column.type == "number":
        return None if np.isnan(value) else float(value)
    if column.type == "category":
        return None if value < 0 else column.levels[int(value)]
    return None if value == NO_TIME else moment(int(value))


def _curve(column: Column) -> Curve:
    starts = np.unique(np.linspace(0, len(column.values), POINTS, endpoint=False).astype(int))
    there = ~np.isnan(column.values)
    counts = np.add.reduceat(there.astype(np.int64), starts)
    sums = np.add.reduceat(np.where(there, column.values, 0.0), starts)
    low = np.minimum.reduceat(np.where(there, column.values, np.inf), starts)
    high = np.maximum.reduceat(np.where(there, column.values, -np.inf), starts)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        means = sums / counts
    return Curve(column=column.name, rows=starts.tolist(), mean=_finite(means), low=_finite(low), high=_finite(high))


def _finite(values: Values) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
