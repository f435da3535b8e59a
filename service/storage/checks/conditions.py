"""The open runs of a condition are kept as counting them says."""

from collections.abc import Iterator

from sqlalchemy import Connection

from service.storage import conditions
from service.storage.checks import AT_ONCE
from service.storage.recounting import recount_conditions

ADVICE = (
    "memspan doctor --mend counts anew. If it comes again it is a defect: please report it, with the log of that time."
)


def find(connection: Connection) -> Iterator[str]:
    """What is kept otherwise."""
    for key, position in conditions.wrong(connection):
        yield f"Condition {position} of exp-{key} has another number of open runs than is kept."


def mend(connection: Connection) -> int:
    """Set some to what counting gives."""
    return recount_conditions(connection, AT_ONCE)
