"""Every run that has something to do is in a stack, and every stack has its runs."""

from collections.abc import Iterator

from sqlalchemy import Connection

from service.storage import stacks
from service.storage.checks import AT_ONCE
from service.storage.recounting import recount_stacks

ADVICE = (
    "memspan doctor --mend counts anew those that wait, and queues runs that are in none; what a worker "
    "holds is mended when it has let go."
)


def find(connection: Connection) -> Iterator[str]:
    """What is kept otherwise."""
    for key in stacks.wrong(connection):
        yield f"stack-{key} has other runs than it counts." if key else "Some open runs are in no stack."


def mend(connection: Connection) -> int:
    """Mend some that wait; runs without a stack get one of their own, and begin again."""
    return recount_stacks(connection, AT_ONCE)
