"""SQL over data sets of users; their contents lie beside weights, each stored once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select

from service.storage import checkpoints, deletion
from service.storage.clock import now
from service.storage.contents import Content
from service.storage.experiments import THERE
from service.storage.records import every, reading, single
from service.storage.states import ACTIVE
from service.storage.tables import datasets, experiments


@dataclass(frozen=True)
class NewDataset:
    """What was understood of a file.

    Attributes:
        sha256: of the table file that it became, of so many ``bytes``.
        description: what was understood.
        preview: its first rows and coarse curves.
        owner: name of the key that sent it.
    """

    name: str
    sha256: str
    bytes: int
    description: dict[str, Any]
    preview: dict[str, Any]
    owner: str | None


@dataclass(frozen=True)
class DatasetRecord:
    """A data set without its preview and its content."""

    key: int
    name: str
    sha256: str
    bytes: int
    description: dict[str, Any]
    owner: str | None
    created_at: float


WHOLE = reading(DatasetRecord, datasets)


def add(connection: Connection, new: NewDataset, content: Content) -> int:
    """Store a data set with its content; its key. Equal contents are kept once."""
    deletion.take_turn(connection)  # nobody drops an equal content meanwhile
    checkpoints.store_blobs(connection, [content])
    statement = insert(datasets).values(created_at=now(), **vars(new)).returning(datasets.c.key)
    return int(connection.execute(statement).scalar_one())


def get(connection: Connection, key: int) -> DatasetRecord | None:
    return single(connection, DatasetRecord, WHOLE.where(datasets.c.key == key))


def lock(connection: Connection, key: int) -> DatasetRecord | None:
    """A data set that nobody deletes until the unit of work ends."""
    return single(connection, DatasetRecord, WHOLE.where(datasets.c.key == key).with_for_update())


def preview(connection: Connection, key: int) -> dict[str, Any] | None:
    """What is shown of a data set, None where there is none."""
    statement = select(datasets.c.preview).where(datasets.c.key == key)
    found: dict[str, Any] | None = connection.execute(statement).scalar_one_or_none()
    return found


def page(connection: Connection, text: str | None, before: int | None, limit: int) -> Sequence[DatasetRecord]:
    """Data sets, newest first, with keys below ``before`` and some text in their names."""
    statement = WHOLE.order_by(datasets.c.key.desc()).limit(limit)
    if text:
        statement = statement.where(datasets.c.name.icontains(text, autoescape=True))
    if before is not None:
        statement = statement.where(datasets.c.key < before)
    return every(connection, DatasetRecord, statement)


def remove(connection: Connection, key: int, sha256: str) -> None:
    """Remove a data set, and its content where nobody else uses it."""
    deletion.take_turn(connection)
    deletion.lock_weights(connection, [sha256])
    connection.execute(delete(datasets).where(datasets.c.key == key))
    deletion.drop_unused(connection, [sha256])


def users(connection: Connection, word: str, most: int) -> list[int]:
    """Keys of active experiments that use a data set, by the word that marks them."""
    using = experiments.c.kinds.contains(f" {word} ", autoescape=True)
    statement = select(experiments.c.key).where(using, experiments.c.state.in_(ACTIVE), THERE)
    return list(connection.execute(statement.order_by(experiments.c.key).limit(most)).scalars())


def is_stored(connection: Connection, sha256: str) -> bool:
    """Whether some data set has this content: only those are handed to tasks."""
    found = select(exists().where(datasets.c.sha256 == sha256))
    return bool(connection.execute(found).scalar_one())


def pieces(connection: Connection, sha256: str) -> Iterator[bytes]:
    """The pieces of a content, one at a time, not held against their sha256."""
    number = 0
    while (data := checkpoints.piece(connection, sha256, number)) is not None:
        yield data
        number += 1
