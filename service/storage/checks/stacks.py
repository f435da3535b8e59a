"""Every run that has something to do is in a stack, and every stack has its runs."""

from collections.abc import Iterator

from sqlalchemy import Connection

from service.storage import stacks

ADVICE = "This is a defect: please report it, with the log of that time. Cancel the experiment if it does not end."


def find(connection: Connection) -> Iterator[str]:
    """What is kept otherwise."""
    for key in stacks.wrong(connection):
        yield f"stack-{key} has other runs than it counts." if key else "Some open runs are in no stack."
