"""Contents: weights and snapshots of any size, in pieces, and never handed out but as they were stored.

The first piece lies with the row that it is of. What is larger goes ahead, piece by piece in units of work of their
own, as an upload that belongs to nobody yet; the unit of work that stores the row makes it its own. So no unit of work
writes more than a piece and what it wrote before, no reader holds more than the content itself, and SQLite's limit of
1 000 000 000 bytes a value is far away.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from service.storage.clock import now
from service.storage.tables import pieces, uploads

PIECE_BYTES = 4 * 2**20
ABANDONED_SECONDS = 900.0
"""after which an upload that nobody adds to and nothing owns is dropped; a piece takes a moment"""
DROPPED_AT_ONCE = 8
"""abandoned uploads of one round: their pieces may be gigabytes"""

Bytes = bytes | bytearray


class Damaged(Exception):
    """What is stored is not what was stored: its sha256 is another, or a part of it is missing."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"sha256 {found}, expected {expected}")
        self.expected, self.found = expected, found


@dataclass(frozen=True)
class Content:
    """What a row is to hold: its first piece, and the upload with the rest, where there is one."""

    sha256: str
    size: int
    first: bytes
    upload: int | None = None


def begin(connection: Connection) -> int:
    """A new upload, which is nobody's yet; its key."""
    statement = insert(uploads).values(touched_at=now()).returning(uploads.c.key)
    return int(connection.execute(statement).scalar_one())


def add(connection: Connection, upload: int, number: int, data: bytes) -> None:
    """Add a piece to an upload."""
    connection.execute(insert(pieces).values(upload=upload, number=number, data=data))
    connection.execute(update(uploads).where(uploads.c.key == upload).values(touched_at=now()))


def drop(connection: Connection, keys: Iterable[int]) -> None:
    """Drop uploads that nothing owns."""
    own = uploads.c.key.in_(list(keys))
    connection.execute(delete(uploads).where(own, uploads.c.sha256.is_(None), uploads.c.run_key.is_(None)))


def drop_abandoned(connection: Connection, seconds: float = ABANDONED_SECONDS) -> int:
    """Drop some uploads that were never finished; how many."""
    nobodys = (uploads.c.sha256.is_(None), uploads.c.run_key.is_(None), uploads.c.touched_at < now() - seconds)
    keys = list(connection.execute(select(uploads.c.key).where(*nobodys).limit(DROPPED_AT_ONCE)).scalars())
    drop(connection, keys)
    return len(keys)


def for_weights(connection: Connection, upload_of: dict[str, int]) -> None:
    """Make uploads those of weights, by their sha256."""
    for sha256, upload in upload_of.items():
        connection.execute(update(uploads).where(uploads.c.key == upload).values(sha256=sha256))


def for_snapshots(connection: Connection, upload_of: dict[int, int]) -> None:
    """Make uploads those of snapshots, by the keys of their runs."""
    for run, upload in upload_of.items():
        connection.execute(update(uploads).where(uploads.c.key == upload).values(run_key=run))


def piece_of_weights(connection: Connection, sha256: str, number: int) -> bytes | None:
    """A piece of weights from the second (1) on; None behind the last."""
    return _piece(connection, uploads.c.sha256 == sha256, number)


def rest_of_weights(connection: Connection, sha256: str) -> Iterator[bytes]:
    """The pieces of weights from the second on, one at a time."""
    return _rest(connection, uploads.c.sha256 == sha256)


def rest_of_snapshot(connection: Connection, run: int) -> Iterator[bytes]:
    """The pieces of a run's snapshot from the second on."""
    return _rest(connection, uploads.c.run_key == run)


def _rest(connection: Connection, owner: ColumnElement[bool]) -> Iterator[bytes]:
    number = 1
    while (data := _piece(connection, owner, number)) is not None:
        yield data
        number += 1


def _piece(connection: Connection, owner: ColumnElement[bool], number: int) -> bytes | None:
    joined = select(pieces.c.data).join(uploads, uploads.c.key == pieces.c.upload)
    return connection.execute(joined.where(owner, pieces.c.number == number)).scalar_one_or_none()


def whole(sha256: str, size: int, first: bytes, rest: Iterable[bytes]) -> Bytes:
    """All bytes of a content, as they were stored.

    Raises:
        Damaged: they are others.
    """
    if size == len(first):
        return checked(sha256, first)
    data = bytearray(first)  # grows: a size that is itself damaged reserves nothing
    for piece in rest:
        data += piece
        if len(data) > size:
            break
    if len(data) != size:
        raise Damaged(sha256, f"of {len(data)} bytes where {size} were stored")
    return checked(sha256, data)


def checked(sha256: str, data: Bytes) -> Bytes:
    """The same bytes, if they bear that name."""
    if (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise Damaged(sha256, found)
    return data
