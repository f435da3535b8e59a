"""The two functions that change states: one for runs and probes, one for experiments. Only storage calls them."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select, update

from service.counts import Counted
from service.storage.counters import note
from service.storage.states import EXPERIMENT_MOVES, OPEN, RUN_MOVES, ExperimentState, RunState, sources
from service.storage.tables import experiments, probes

RELEASED = {"lease": None, "lease_until": None, "worker": None}


class IllegalMove(Exception):
    """A table of moves does not lead from one state to the other."""


def move(
    connection: Connection,
    table: Table,
    target: RunState,
    *where: ColumnElement[bool],
    values: dict[str, Any] | None = None,
    source: RunState | None = None,
) -> list[int]:
    """Move all runs or probes that match ``where``, and may move, to ``target``; the keys of those that did.

    Whoever isn't running holds no lease.

    Args:
        source: only those that stand there.

    Raises:
        IllegalMove: nothing moves from ``source`` to ``target``.
    """
    allowed = sources(RUN_MOVES, target)
    if source is not None and source not in allowed:
        raise IllegalMove(f"What is {source} can't become {target}.")
    released = {} if target is RunState.RUNNING else RELEASED
    statement = (
        update(table)
        .where(table.c.state.in_([source] if source else allowed), *where)
        .values(state=target, **{**released, **(values or {})})
        .returning(table.c.key)
    )
    moved = list(connection.execute(statement).scalars())
    if target not in OPEN:
        _count(connection, table, target, len(moved), (values or {}).get("reason"))
    return moved


def _count(connection: Connection, table: Table, state: RunState, count: int, reason: str | None) -> None:
    """Count what has ended, for those who watch the service."""
    note(connection, Counted.PROBES_ENDED if table is probes else Counted.RUNS_ENDED, str(state), count)
    if state is RunState.FAILED and table is not probes:
        note(connection, Counted.RUNS_FAILED, str(reason), count)


def move_experiment(
    connection: Connection, key: int, target: ExperimentState, values: dict[str, Any] | None = None
) -> None:
    """Move an experiment, which the caller has locked.

    Raises:
        IllegalMove: it can't move there from where it stands, or is gone.
    """
    allowed = sources(EXPERIMENT_MOVES, target)
    mine = experiments.c.key == key
    statement = update(experiments).where(mine, experiments.c.state.in_(allowed)).values(state=target, **(values or {}))
    if connection.execute(statement).rowcount != 1:
        found = connection.execute(select(experiments.c.state).where(mine)).scalar_one_or_none()
        raise IllegalMove(f"An experiment that is {found or 'gone'} can't become {target}.")
