"""Data sets in answers."""

from typing import Any

from pydantic import Field

from memspan.tables.description import Description
from memspan.tables.preview import Curve
from service.operations import ids
from service.operations.datasets import description_of
from service.operations.intake import Read
from service.operations.times import rfc3339
from service.schemas.number import Answer, Link
from service.storage.datasets import DatasetRecord


class DatasetDescription(Description, Answer):
    """What is understood of a file; nothing is stored."""

    bytes: int = Field(description="of what was understood, as it is stored")
    sha256: str = Field(description="of that: the same content has the same")


class Dataset(DatasetDescription):
    """A data set, and what was understood of its file."""

    id: str = Field(examples=["data-3"])
    name: str
    owner: str | None = Field(description="name of the key that sent it")
    created_at: str
    links: Link


class DatasetPreview(Answer):
    """The first rows of a data set, and its columns of numbers as coarse curves; or its first sequences."""

    id: str
    columns: list[str] = Field(description="of the rows")
    rows: list[list[float | str | None]] = Field(description="the first ones")
    curves: list[Curve] = Field(description="of the columns of numbers, in pieces of equal length")
    sequences: list[list[list[float]]] | None = Field(description="the first, their first steps and channels")
    targets: list[float | list[float]] | None = Field(description="of these sequences")


def described(read: Read) -> dict[str, Any]:
    """What would be stored of a file."""
    said = read.description.model_dump(mode="json")
    return {**said, "bytes": read.content.size, "sha256": read.content.sha256}


def dataset(row: DatasetRecord) -> dict[str, Any]:
    """One data set."""
    name = ids.public(ids.DATASET, row.key)
    links = {"self": f"/datasets/{name}", "preview": f"/datasets/{name}/preview"}
    return {
        "id": name,
        "name": row.name,
        **description_of(row).model_dump(mode="json"),
        "bytes": row.bytes,
        "sha256": row.sha256,
        "owner": row.owner,
        "created_at": rfc3339(row.created_at),
        "links": links,
    }


def preview(key: int, shown: dict[str, Any]) -> dict[str, Any]:
    """What is shown of a data set."""
    return {"id": ids.public(ids.DATASET, key), **shown}
