"""Counting: what this process has counted goes where all processes' counts are added up."""

from service.operations.context import Context
from service.storage import counters


def hand_in(context: Context, owner: str) -> None:
    """Store what this process has counted; what can't be stored now is kept for later."""
    amounts = context.database.counts.take()
    if not amounts:
        return
    try:
        with context.database.writing() as connection:
            counters.add(connection, owner, amounts)
    except BaseException:
        context.database.counts.add_all(amounts)
        raise
