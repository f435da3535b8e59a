"""Lost leases: running rows whose worker is gone. They go back into their queue, or fail when it happens too often."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, and_, select

from service.counts import Counted
from service.storage import snapshots
from service.storage.clock import now
from service.storage.counters import note
from service.storage.moving import move
from service.storage.states import Reason, RunState
from service.storage.tables import probes, runs

TABLES = (runs, probes)


@dataclass(frozen=True)
class LostRows:
    """How many runs or probes (``what``) of an experiment went back into their queue, and how many failed."""

    what: str
    back: int
    failed: int


@dataclass(frozen=True)
class LostLeases:
    """What was lost of an experiment, and the conditions of the runs that have failed by it."""

    each: tuple[LostRows, ...]
    conditions: frozenset[int]


def lapsed(connection: Connection) -> set[int]:
    """The experiments with rows whose lease has run out."""
    return _experiments(connection, {table: _has_lapsed(table) for table in TABLES})


def held_by(connection: Connection, worker: str) -> set[int]:
    """The experiments of the rows that a worker holds."""
    return _experiments(connection, {table: _is_held_by(table, worker) for table in TABLES})


def _experiments(connection: Connection, where: dict[Table, ColumnElement[bool]]) -> set[int]:
    statements = [select(table.c.experiment_key).where(lost).distinct() for table, lost in where.items()]
    return {key for statement in statements for key in connection.execute(statement).scalars()}


def lose_lapsed(connection: Connection, experiment: int, most: int) -> LostLeases:
    """Take back the rows of an experiment whose lease has run out; they fail at the ``most``-th loss in a row."""
    return _lose(connection, experiment, most, {table: _has_lapsed(table) for table in TABLES})


def lose_held_by(connection: Connection, experiment: int, most: int, worker: str) -> LostLeases:
    """Take back the rows of an experiment that a dead worker held; they fail at the ``most``-th loss in a row."""
    return _lose(connection, experiment, most, {table: _is_held_by(table, worker) for table in TABLES})


def _has_lapsed(table: Table) -> ColumnElement[bool]:
    return and_(table.c.state == RunState.RUNNING, table.c.lease_until < now())


def _is_held_by(table: Table, worker: str) -> ColumnElement[bool]:
    return and_(table.c.state == RunState.RUNNING, table.c.worker == worker)


def _lose(connection: Connection, experiment: int, most: int, where: dict[Table, ColumnElement[bool]]) -> LostLeases:
    each, conditions = [], frozenset[int]()
    for table, lost in where.items():
        mine = (table.c.experiment_key == experiment, lost)
        failed = _fail(connection, table, most, *mine)
        values = {"lost": table.c.lost + 1}
        back = move(connection, table, RunState.QUEUED, *mine, source=RunState.RUNNING, values=values)
        each.append(LostRows(table.name, len(back), len(failed)))
        note(connection, Counted.LEASES_LOST, table.name, len(back) + len(failed))
        if failed and table is runs:
            snapshots.drop(connection, failed)
            found = select(runs.c.condition).where(runs.c.key.in_(failed))
            conditions = frozenset(connection.execute(found).scalars())
    return LostLeases(tuple(each), conditions)


def _fail(connection: Connection, table: Table, most: int, *where: ColumnElement[bool]) -> list[int]:
    values = {
        "lost": table.c.lost + 1,
        "reason": Reason.WORKER_LOST,
        "detail": f"Its worker was lost {most} times in a row without getting anywhere.",
        "finished_at": now(),
    }
    often = table.c.lost >= most - 1
    return move(connection, table, RunState.FAILED, *where, often, source=RunState.RUNNING, values=values)
