"""An SQLite file keeps no more room free than what comes will need."""

from collections.abc import Iterator

from sqlalchemy import Connection

from service.storage import space

ADVICE = (
    "The patrol gives it back bit by bit; memspan doctor --mend at once, writing the file anew, while writers wait, "
    "where it is much or the file is of an older release."
)


def find(connection: Connection) -> Iterator[str]:
    """Free pages that are worth it."""
    free = space.free_bytes(connection)
    if free >= space.WORTH_BYTES:
        yield f"The database file keeps {free} bytes free."


def mend(connection: Connection) -> int:
    """Give back a portion."""
    return space.give_back(connection)
