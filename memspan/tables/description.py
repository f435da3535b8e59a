"""Descriptions: what a file's reader says it understood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from memspan.tables.table import NO_TIME, Column, Sequences, Table

SHOWN_LEVELS = 20
"""words of a category that are listed"""


Moment = Annotated[str, Field(max_length=40)]
PASSED_ON = ("time_column", "step", "encoding", "separator", "decimal", "header")
"""what readers say of themselves"""


class Said(BaseModel):
    """The base of what is said of a file; it may come from a child process that was taken over, so it is checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnDescription(Said):
    """One column."""

    name: str = Field(max_length=200)
    type: str = Field(description="number, category, time, or text, which can't be used", max_length=20)
    missing: int = Field(description="values that aren't there")
    low: float | Moment | None = Field(description="the least number or first time")
    high: float | Moment | None = Field(description="the largest number or last time")
    levels: list[str] | None = Field(description="of a category, its first words", max_length=SHOWN_LEVELS)
    level_count: int | None = Field(description="of a category, how many words it has")


class SeriesDescription(Said):
    """The series of a table."""

    column: str | None = Field(description="that tells them apart", max_length=200)
    count: int
    shortest: int = Field(description="rows of the shortest")
    longest: int


class Remark(Said):
    """Something that is worth looking at, though the file can be used."""

    code: str = Field(max_length=40)
    message: str = Field(max_length=1_000)
    row: int | None = Field(description="1 is the first below the header")
    column: str | None = Field(max_length=200)
    given: str | None = Field(max_length=200)


class Description(Said):
    """What was understood of a file."""

    kind: str = Field(description="table or sequences", max_length=20)
    format: str = Field(description="csv, parquet, npy or npz", max_length=20)
    rows: int = Field(description="of a table; of sequences, how many")
    columns: list[ColumnDescription] = Field(max_length=10_000)
    series: SeriesDescription | None
    time_column: str | None = Field(max_length=200)
    step: str | None = Field(description="between two rows of a series, as most are apart", max_length=100)
    encoding: str | None = Field(description="of a CSV file", max_length=100)
    separator: str | None = Field(description="of a CSV file", max_length=2)
    decimal: str | None = Field(description="decimal mark of a CSV file", max_length=2)
    header: bool | None = Field(description="whether a CSV file's first row has the names")
    shape: list[int] | None = Field(description="of sequences: how many, steps, channels", max_length=3)
    classes: int | None = Field(description="of sequences whose targets are classes: how many")
    remarks: list[Remark] = Field(description="the first 100", max_length=1_000)
    remarked: int = Field(description="how many remarks there are")


def described(found: Table | Sequences) -> Description:
    """What there is to say of a table or of sequences."""
    return _of_table(found) if isinstance(found, Table) else _of_sequences(found)


def _of_table(table: Table) -> Description:
    understood = table.understood
    series = understood.get("series")
    return Description(
        kind="table",
        format=understood["format"],
        rows=table.rows,
        columns=[_column(column) for column in table.columns],
        series=SeriesDescription(column=understood["series_column"], **series) if series else None,
        **{
            name: understood.get(name) for name in ("time_column", "step", "encoding", "separator", "decimal", "header")
        },
        shape=None,
        classes=None,
        remarks=[Remark(**remark.document()) for remark in table.remarks],
        remarked=table.remarked,
    )


def _column(column: Column) -> ColumnDescription:
    missing = int(column.is_missing.sum()) if column.type != "text" else 0
    low, high = (None, None) if column.type in ("category", "text") else _range(column)
    is_category = column.type == "category"
    return ColumnDescription(
        name=column.name,
        type=column.type,
        missing=missing,
        low=low,
        high=high,
        levels=[level[:200] for level in column.levels[:SHOWN_LEVELS]] if is_category else None,
        level_count=len(column.levels) if is_category else None,
    )


def _range(column: Column) -> tuple[Any, Any]:
    """The least and the largest value, None where there is none."""
    if column.is_missing.all():
        return None, None
    if column.type == "number":
        return float(np.nanmin(column.values)), float(np.nanmax(column.values))
    there = column.values[column.values != NO_TIME]
    return moment(int(there.min())), moment(int(there.max()))


def moment(microseconds: int) -> str:
    """An instant as RFC 3339 has it; beyond the years 1 to 9999 only its number of days."""
    try:
        found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return f"{microseconds / 86_400e6:.6g} days since 1970"
    return found.isoformat().replace("+00:00", "Z")


def _of_sequences(found: Sequences) -> Description:
    classes = found.targets.ndim == 1
    ends = {"inputs": found.inputs, "targets": found.targets}
    columns = [
        ColumnDescription(
            name=name,
            type="class" if name == "targets" and classes else "number",
            missing=0,
            low=float(values.min()),
            high=float(values.max()),
            levels=None,
            level_count=None,
        )
        for name, values in ends.items()
    ]
    return Description(
        kind="sequences",
        format=found.understood["format"],
        rows=len(found.inputs),
        columns=columns,
        series=None,
        **dict.fromkeys(PASSED_ON),
        shape=list(found.inputs.shape),
        classes=int(found.targets.max()) + 1 if classes else None,
        remarks=[],
        remarked=0,
    )
