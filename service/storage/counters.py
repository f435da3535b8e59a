"""SQL over counters: the sums of what all processes have counted; they only grow.

A count is spread over some rows, so that workers which hand in at once seldom wait for each other.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from service.counts import Amounts, Counted
from service.storage.tables import counters
from service.storage.upserts import upsert

SHARDS = 16
"""rows that a count is spread over"""
NOTES = "memspan_notes"


def add(connection: Connection, owner: str, amounts: Amounts) -> None:
    """Add what a process has counted. Rows are taken in one order, lest two processes wait for each other."""
    shard = sum(owner.encode()) % SHARDS
    rows = [
        {"name": counted.value, "label": label, "shard": shard, "value": float(amount)}
        for (counted, label), amount in sorted(amounts.items())
    ]
    if not rows:
        return
    new = upsert(connection, counters)
    added = {"value": counters.c.value + new.excluded.value}
    connection.execute(new.on_conflict_do_update(index_elements=list(counters.primary_key), set_=added), rows)


TOTALS = select(counters.c.name, counters.c.label, func.sum(counters.c.value)).group_by(
    counters.c.name, counters.c.label
)


def totals(connection: Connection) -> dict[tuple[Counted, str], float]:
    """The sums. What an older release counted and this one doesn't know is left out."""
    known = set(Counted)
    return {(Counted(name), label): value for name, label, value in connection.execute(TOTALS) if name in known}


def note(connection: Connection, counted: Counted, label: str, amount: float) -> None:
    """Count what this unit of work does; whoever ends the unit takes the notes, once it is kept."""
    if amount:
        notes = connection.info.setdefault(NOTES, {})
        notes[counted, label] = notes.get((counted, label), 0) + amount


def taken_notes(connection: Connection) -> Mapping[tuple[Counted, str], float]:
    """What was noted in this unit of work; it is forgotten with this."""
    notes: Mapping[tuple[Counted, str], float] = connection.info.pop(NOTES, {})
    return notes
