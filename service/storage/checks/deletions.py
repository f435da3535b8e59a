"""What was deleted is gone: no experiment stays in its deletion for an hour."""

from collections.abc import Iterator

from sqlalchemy import Connection

from service.storage import deletion

ADVICE = "Start a service or a worker, whose patrol goes on with it, or let memspan doctor --mend do so."
SECONDS = 3_600.0


def find(connection: Connection) -> Iterator[str]:
    """Experiments that were deleted longer ago and of which rows are left."""
    for key in deletion.marked(connection, SECONDS):
        yield f"exp-{key} was deleted, and rows of it are left."
