"""An SQLite file keeps no more room free than what comes will need."""

from collections.abc import Iterator

from sqlalchemy import Connection

from service.storage import space

ADVICE = "memspan doctor --mend gives it back; of a file of an older release by writing it anew, while writers wait."


def find(connection: Connection) -> Iterator[str]:
    """Free pages that are worth it."""
    free = space.free_bytes(connection)
    if free >= space.WORTH_BYTES:
        yield f"The database file keeps {free} bytes free."


def mend(connection: Connection) -> int:
    """Give back a portion."""
    return space.give_back(connection)
