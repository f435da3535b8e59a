"""What a user may say about a file instead of having it guessed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from memspan.interfaces.spec import frozen

Word = Annotated[str, Field(strict=True, min_length=1, max_length=200)]


class ReadOptions(BaseModel):
    """How to read a file; what is not given is guessed, and the description says what was understood."""

    model_config = frozen()

    format: Annotated[
        Literal["csv", "parquet", "npy", "npz"] | None, Field(description="seen from the file's first bytes")
    ] = None
    encoding: Annotated[Word | None, Field(description="of a CSV file: UTF-8, or by its byte order mark")] = None
    separator: Annotated[Literal[",", ";", "\t", "|"] | None, Field(description="of a CSV file")] = None
    decimal: Annotated[Literal[".", ","] | None, Field(description="decimal mark of a CSV file")] = None
    header: Annotated[
        bool | None, Field(strict=True, description="whether a CSV file's first row has the names of its columns")
    ] = None
    types: Annotated[
        dict[Word, Literal["number", "category", "time"]],
        Field(max_length=1_000, description="types of columns by name, where another is guessed"),
    ] = {}
    time_column: Annotated[Word | None, Field(description="the column that tells when")] = None
    time_format: Annotated[
        Word | None, Field(description="of the time column, as strptime has it, e.g. %d/%m/%Y; else ISO 8601")
    ] = None
    series_column: Annotated[Word | None, Field(description="the column that tells which series a row belongs to")] = (
        None
    )


GUESSED = ReadOptions()
