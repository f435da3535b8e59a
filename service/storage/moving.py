"""The functions that change states: of runs, probes and stacks, and of experiments. Only storage calls them."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Table, or_, select, update

from service.counts import Counted
from service.storage.bulk import update_rows
from service.storage.counters import note
from service.storage.states import (
    EXPERIMENT_MOVES,
    OPEN,
    RUN_MOVES,
    STACK_MOVES,
    ExperimentState,
    RunState,
    StackState,
    sources,
)
from service.storage.tables import experiments, probes

RELEASED = {"lease": None, "lease_until": None, "worker": None}


class IllegalMove(Exception):
    """A table of moves does not lead from one state to the other."""


def move(
    connection: Connection,
    table: Table,
    target: RunState | StackState,
    *where: ColumnElement[bool],
    values: dict[str, Any] | None = None,
    source: RunState | StackState | None = None,
) -> list[int]:
    """Move all runs, probes or stacks that match ``where``, and may move, to ``target``; the keys of those that did.

    Args:
        source: only those that stand there.

    Raises:
        IllegalMove: nothing moves from ``source`` to ``target``.
    """
    return [key for (key,) in move_rows(connection, table, target, *where, values=values, source=source)]


def move_rows(
    connection: Connection,
    table: Table,
    target: RunState | StackState,
    *where: ColumnElement[bool],
    values: dict[str, Any] | None = None,
    source: RunState | StackState | None = None,
    returning: Sequence[Column[Any]] | None = None,
) -> Sequence[Row[Any]]:
    """The same; some columns of those that moved, their keys if none is named."""
    statement = (
        update(table)
        .where(table.c.state.in_(_from(target, source)), *where)
        .values(state=target, **{**_released(table, target), **(values or {})})
        .returning(*(returning or (table.c.key,)))
    )
    moved = connection.execute(statement).all()
    if isinstance(target, RunState) and target not in OPEN:
        _count(connection, table, target, len(moved), (values or {}).get("reason"))
    return moved


def move_each(
    connection: Connection, table: Table, target: RunState, rows: Sequence[Mapping[str, Any]], moment: str | None = None
) -> None:
    """Move rows, given by their ``key``, each with values of its own; those that may not move stay as they are.

    Args:
        moment: a column that gets the time by the database's clock.
    """
    new = [{"state": target, **_released(table, target), **row} for row in rows]
    update_rows(connection, table, new, _allowed(table, target), moment=moment)
    if target not in OPEN:
        _count(connection, table, target, len(rows), None)


@lru_cache(maxsize=16)
def _allowed(table: Table, target: RunState) -> ColumnElement[bool]:
    """That a row may move; a list can't be given, row by row."""
    return or_(*(table.c.state == source for source in _from(target, None)))


def _count(connection: Connection, table: Table, state: RunState, count: int, reason: str | None) -> None:
    """Count what has ended, for those who watch the service."""
    note(connection, Counted.PROBES_ENDED if table is probes else Counted.RUNS_ENDED, str(state), count)
    if state is RunState.FAILED and table is not probes:
        note(connection, Counted.RUNS_FAILED, str(reason), count)


def _from(target: RunState | StackState, source: StrEnum | None) -> Sequence[StrEnum]:
    """The states that may move to ``target``."""
    allowed: Sequence[StrEnum] = (
        sources(STACK_MOVES, target) if isinstance(target, StackState) else sources(RUN_MOVES, target)
    )
    if source is not None and source not in allowed:
        raise IllegalMove(f"What is {source} can't become {target}.")
    return [source] if source else allowed


def _released(table: Table, target: StrEnum) -> dict[str, None]:
    """Whoever isn't running holds no lease."""
    return dict(RELEASED) if "lease" in table.c and target != RunState.RUNNING else {}


def move_experiment(
    connection: Connection,
    key: int,
    target: ExperimentState,
    values: dict[str, Any] | None = None,
    among: Collection[ExperimentState] = tuple(ExperimentState),
) -> None:
    """Move an experiment, which the caller has locked.

    Args:
        among: only from one of these.

    Raises:
        IllegalMove: it can't move there from where it stands, or is gone.
    """
    allowed = [state for state in sources(EXPERIMENT_MOVES, target) if state in among]
    mine = experiments.c.key == key
    statement = update(experiments).where(mine, experiments.c.state.in_(allowed)).values(state=target, **(values or {}))
    if connection.execute(statement).rowcount != 1:
        found = connection.execute(select(experiments.c.state).where(mine)).scalar_one_or_none()
        raise IllegalMove(f"An experiment that is {found or 'gone'} can't become {target}.")
