"""Inserting many rows at once, as fast as each database can."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, Text, cast, column, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from service.storage.upserts import Upsert


def unchanged(statement: Upsert) -> Upsert:
    return statement


def insert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    conflict: Callable[[Upsert], Upsert] = unchanged,
) -> None:
    """Insert rows that all have the same columns, of JSON-able values.

    SQLite runs a prepared statement for each row, which costs microseconds in its own process; the rows go to its
    driver as they are. On PostgreSQL that is a message for each row, so there all rows travel as one JSON parameter:
    1 500 runs take a fifth of the time.

    Args:
        conflict: adds what to do about rows that are there already.
    """
    if not rows:
        return
    names = list(rows[0])
    if connection.dialect.name != "postgresql":
        statement, order = _prepared(table, tuple(names), conflict)
        connection.exec_driver_sql(statement, [tuple(row[name] for name in order) for row in rows])
        return
    parameter = cast(literal(json.dumps(list(rows), allow_nan=False), Text), postgresql.JSON)
    columns = [column(name, table.c[name].type) for name in names]
    source = func.json_to_recordset(parameter).table_valued(*columns, name="new").render_derived(with_types=True)
    connection.execute(conflict(postgresql.insert(table).from_select(names, select(*source.columns))))


@lru_cache(maxsize=64)
def _prepared(
    table: Table, names: tuple[str, ...], conflict: Callable[[Upsert], Upsert]
) -> tuple[str, tuple[str, ...]]:
    """The statement for SQLite's driver, and the order of its parameters."""
    compiled = conflict(sqlite.insert(table)).compile(dialect=sqlite.dialect(), column_keys=list(names))
    return str(compiled), tuple(compiled.positiontup or ())
