"""The one function that changes the state of runs and probes."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, update

from service.storage.states import RunState, sources

RELEASED = {"claim": None, "lease_until": None, "worker": None}


def move(
    connection: Connection,
    table: Table,
    target: RunState,
    *where: ColumnElement[bool],
    values: dict[str, Any] | None = None,
    source: RunState | None = None,
) -> list[int]:
    """Move all rows that match ``where``, and may move, to ``target``; the keys of those that did.

    Whoever isn't running holds no lease.
    """
    released = {} if target is RunState.RUNNING else RELEASED
    allowed = (source,) if source else sources(target)
    statement = (
        update(table)
        .where(table.c.state.in_(allowed), *where)
        .values(state=target, **{**released, **(values or {})})
        .returning(table.c.key)
    )
    return list(connection.execute(statement).scalars())
