"""Runs by state are kept as counting them says."""

from collections.abc import Iterator

from sqlalchemy import Connection

from service.storage import tallies
from service.storage.checks import AT_ONCE
from service.storage.recounting import recount_tallies

ADVICE = (
    "memspan doctor --mend counts anew. If it comes again it is a defect: please report it, with the log of that time."
)


def find(connection: Connection) -> Iterator[str]:
    """What is kept otherwise."""
    for key in tallies.wrong(connection):
        yield f"The tallies of exp-{key} are not what counting its runs gives."


def mend(connection: Connection) -> int:
    """Set those of some experiments to what counting gives."""
    return recount_tallies(connection, AT_ONCE)
