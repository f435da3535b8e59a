"""Inserting and changing many rows at once, as fast as each database can."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from service.storage.upserts import Upsert

CHUNK = 2_000
"""rows that one statement inserts: larger ones would keep Python's lock from other threads for long"""


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
    for start in range(0, len(rows), CHUNK):
        _insert(connection, table, rows[start : start + CHUNK], conflict)


def _insert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], conflict: Callable[[Upsert], Upsert]
) -> None:
    names = list(rows[0])
    if connection.dialect.name != "postgresql":
        statement, order = _prepared(table, tuple(names), conflict)
        connection.exec_driver_sql(statement, [tuple(row[name] for name in order) for row in rows])
        return
    source = _recordset(table, names, rows)
    connection.execute(conflict(postgresql.insert(table).from_select(names, source)))


def _recordset(table: Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Select[Any]:
    """PostgreSQL: rows as a table of one parameter, which is JSON."""
    parameter = cast(literal(json.dumps(list(rows), allow_nan=False), Text), postgresql.JSON)
    columns = [column(name, table.c[name].type) for name in names]
    source = func.json_to_recordset(parameter).table_valued(*columns, name="new").render_derived(with_types=True)
    return select(*source.columns)


@lru_cache(maxsize=64)
def _prepared(
    table: Table, names: tuple[str, ...], conflict: Callable[[Upsert], Upsert]
) -> tuple[str, tuple[str, ...]]:
    """The statement for SQLite's driver, and the order of its parameters."""
    compiled = conflict(sqlite.insert(table)).compile(dialect=sqlite.dialect(), column_keys=list(names))
    return str(compiled), tuple(compiled.positiontup or ())


def update_rows(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *where: ColumnElement[bool]
) -> None:
    """Give rows, found by their ``key``, values of their own; all have the same columns, of JSON-able values.

    Args:
        where: only those that also match.
    """
    if not rows:
        return
    names = [name for name in rows[0] if name != "key"]
    if connection.dialect.name != "postgresql":
        columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        statement = update(table).where(table.c.key == bindparam("new_key"), *where).values(**columns)
        connection.execute(statement, [{f"new_{name}": value for name, value in row.items()} for row in rows])
        return
    new = _recordset(table, ["key", *names], rows).subquery()
    changed: dict[str | Column[Any], Any] = {name: new.c[name] for name in names}
    connection.execute(update(table).where(table.c.key == new.c.key, *where).values(changed))


def reserve(connection: Connection, table: Table, count: int) -> Sequence[int]:
    """Keys for rows that the caller is about to insert, ascending; nobody else gets them, ever.

    On SQLite the caller must be the writer.
    """
    name = table.name
    if connection.dialect.name == "postgresql":
        numbers = select(func.nextval(f"{name}_key_seq")).select_from(func.generate_series(1, count))
        return list(connection.execute(numbers).scalars())
    last = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (name,)).scalar_one_or_none()
    return range((last or 0) + 1, (last or 0) + 1 + count)
