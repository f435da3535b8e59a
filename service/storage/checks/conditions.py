"""The open runs of a condition are kept as counting them says."""

from collections.abc import Iterator

from sqlalchemy import Connection

from service.storage import conditions

ADVICE = "This is a defect: please report it, with the log of that time. Cancel the experiment if it does not end."


def find(connection: Connection) -> Iterator[str]:
    """What is kept otherwise."""
    for key, position in conditions.wrong(connection):
        yield f"Condition {position} of exp-{key} has another number of open runs than is kept."
