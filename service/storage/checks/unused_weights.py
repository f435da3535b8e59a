"""Every content is used, weights by a checkpoint, others by a data set: what nobody uses takes room."""

from collections.abc import Iterator

from sqlalchemy import Connection, Select, delete, select

from service.storage.checks import AT_ONCE
from service.storage.deletion import unused
from service.storage.tables import blobs

ADVICE = "memspan doctor --mend drops them."


def find(connection: Connection) -> Iterator[str]:
    """Blobs without a checkpoint or a data set."""
    for sha256, size in connection.execute(_unused()):
        yield f"The weights {sha256} of {size} bytes are used by no checkpoint and no data set."


def mend(connection: Connection) -> int:
    """Drop some. A worker that stores the very same weights at this moment stores them again at its next try."""
    names = [row.sha256 for row in connection.execute(_unused().limit(AT_ONCE).with_for_update(skip_locked=True))]
    return connection.execute(delete(blobs).where(blobs.c.sha256.in_(names))).rowcount if names else 0


def _unused() -> Select[str, int]:
    return select(blobs.c.sha256, blobs.c.bytes).where(unused())
