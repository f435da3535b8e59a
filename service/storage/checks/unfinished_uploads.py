"""Uploads belong to weights or to a snapshot, or are being written at this moment."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from service.storage import contents
from service.storage.clock import now
from service.storage.tables import uploads

ADVICE = "The patrol of a running service drops them; so does memspan doctor --mend."


def find(connection: Connection) -> Iterator[str]:
    """Uploads that nobody has added to for a while."""
    nobodys = (uploads.c.sha256.is_(None), uploads.c.run_key.is_(None))
    old = uploads.c.touched_at < now() - contents.ABANDONED_SECONDS
    for key in connection.execute(select(uploads.c.key).where(*nobodys, old)).scalars():
        yield f"The upload {key} was never finished."


def mend(connection: Connection) -> int:
    """Drop some."""
    return contents.drop_abandoned(connection)
