"""SQL over endings: runs that have ended, and of which listeners have not been told yet.

A row is only added where runs end, so that workers that end runs of one experiment don't wait for each other; whoever
tells of the experiment's progress takes them all.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from service.storage.bulk import insert_rows
from service.storage.clock import now
from service.storage.states import RunState
from service.storage.tables import endings


@dataclass(frozen=True)
class Ending:
    """How many runs of a condition ended in a state."""

    condition: int
    state: RunState
    count: int


def add(connection: Connection, experiment: int, ended: Iterable[Ending]) -> None:
    """Note runs that have ended."""
    counts = Counter[tuple[int, RunState]]()
    for each in ended:
        counts[each.condition, each.state] += each.count
    rows = [
        {"experiment_key": experiment, "condition": condition, "state": state, "count": count}
        for (condition, state), count in counts.items()
    ]
    insert_rows(connection, endings, rows, moment="at")


def take(connection: Connection, experiment: int) -> list[Ending]:
    """What listeners have not been told, in the order in which it happened; from now on they have been."""
    mine = delete(endings).where(endings.c.experiment_key == experiment)
    found = connection.execute(mine.returning(endings.c.key, endings.c.condition, endings.c.state, endings.c.count))
    counts = Counter[tuple[int, RunState]]()
    for _, condition, state, count in sorted(found):
        counts[condition, state] += count
    return [Ending(condition, state, count) for (condition, state), count in counts.items()]


def left(connection: Connection, seconds: float) -> list[int]:
    """The experiments with something that was not told for so long."""
    statement = select(endings.c.experiment_key).group_by(endings.c.experiment_key)
    return sorted(connection.execute(statement.having(func.min(endings.c.at) < now() - seconds)).scalars())
