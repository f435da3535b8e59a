"""Inserting and changing many rows at once, as fast as each database can."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    Update,
    bindparam,
    cast,
    column,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from service.storage.clock import now
from service.storage.upserts import Upsert

CHUNK = 1_000
"""rows that one statement inserts: larger ones would keep Python's lock from other threads for long"""


def unchanged(statement: Upsert) -> Upsert:
    return statement


def insert_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    conflict: Callable[[Upsert], Upsert] = unchanged,
    moment: str | None = None,
) -> None:
    """Insert rows that all have the same columns, of JSON-able values.

    SQLite runs a prepared statement for each row, which costs microseconds in its own process; the rows go to its
    driver as they are. On PostgreSQL that is a message for each row, so there all rows travel as one JSON parameter:
    1 500 runs take a fifth of the time. Statements are made once: workers send the same ones with every stack.

    Args:
        conflict: adds what to do about rows that are there already.
        moment: a column that gets the time by the database's clock.
    """
    for start in range(0, len(rows), CHUNK):
        _insert(connection, table, rows[start : start + CHUNK], conflict, moment)


def _insert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    conflict: Callable[[Upsert], Upsert],
    moment: str | None,
) -> None:
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql" and len(rows) == 1:
        connection.execute(_inserting_one(table, conflict, moment), rows[0])
        return
    if connection.dialect.name == "postgresql":
        connection.execute(_inserting(table, names, conflict, moment), {ROWS: _parameter(rows)})
        return
    statement, order = _prepared(table, names, conflict, moment)
    connection.exec_driver_sql(statement, [tuple(row[name] for name in order) for row in rows])


ROWS, KEYS = "given_rows", "given_keys"
"""names of parameters"""


def _parameter(rows: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(list(rows), allow_nan=False)


def _recordset(table: Table, names: Sequence[str], moment: str | None = None) -> Select[Any]:
    """PostgreSQL: rows as a table of one parameter, which is JSON."""
    parameter = cast(bindparam(ROWS, type_=Text), postgresql.JSON)
    columns = [column(name, table.c[name].type) for name in names]
    source = func.json_to_recordset(parameter).table_valued(*columns, name="new").render_derived(with_types=True)
    return select(*source.columns, *([now().label(moment)] if moment else []))


@lru_cache(maxsize=64)
def _inserting(
    table: Table, names: tuple[str, ...], conflict: Callable[[Upsert], Upsert], moment: str | None
) -> Upsert:
    """The statement for PostgreSQL."""
    columns = [*names, *([moment] if moment else [])]
    return conflict(postgresql.insert(table).from_select(columns, _recordset(table, names, moment)))


@lru_cache(maxsize=64)
def _inserting_one(table: Table, conflict: Callable[[Upsert], Upsert], moment: str | None) -> Upsert:
    """The statement for PostgreSQL and a single row, which it need not unpack."""
    return conflict(postgresql.insert(table).values(_at(moment)).inline())


@lru_cache(maxsize=64)
def _prepared(
    table: Table, names: tuple[str, ...], conflict: Callable[[Upsert], Upsert], moment: str | None
) -> tuple[str, tuple[str, ...]]:
    """The statement for SQLite's driver, and the order of its parameters."""
    statement = sqlite.insert(table).values({moment: now()}) if moment else sqlite.insert(table)
    compiled = conflict(statement).compile(dialect=sqlite.dialect(), column_keys=list(names))
    return str(compiled), tuple(compiled.positiontup or ())


def update_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *where: ColumnElement[bool],
    moment: str | None = None,
) -> None:
    """Give rows, found by their ``key``, values of their own; all have the same columns, of texts and numbers.

    Args:
        where: only those that also match; the same objects at each call, since the statement is kept by them.
        moment: a column that gets the time by the database's clock.
    """
    if not rows:
        return
    names = tuple(name for name in rows[0] if name != "key")
    if connection.dialect.name == "postgresql" and len(rows) > 1:
        keys = [row["key"] for row in rows]
        connection.execute(_updating(table, names, where, moment), {ROWS: _parameter(rows), KEYS: keys})
        return
    if connection.dialect.name == "sqlite" and len(rows) > 1 and not where:
        text, order = _prepared_update(table, names, moment)
        connection.exec_driver_sql(text, [tuple(row[name] for name in order) for row in rows])
        return
    statement, given = _updating_each(table, names, where, moment), [_new(row) for row in rows]
    connection.execute(statement, given if len(given) > 1 else given[0])


@lru_cache(maxsize=64)
def _updating(
    table: Table, names: tuple[str, ...], where: tuple[ColumnElement[bool], ...], moment: str | None
) -> Update:
    """The statement for PostgreSQL.

    It names the keys beside the rows: of what lies in JSON nobody knows how much it is, and for what may be many rows
    PostgreSQL reads the whole table.
    """
    new = _recordset(table, ["key", *names]).subquery()
    changed: dict[str | Column[Any], Any] = {name: new.c[name] for name in names}
    mine = table.c.key == func.any(bindparam(KEYS, type_=ARRAY(BigInteger)))
    return update(table).where(mine, table.c.key == new.c.key, *where).values({**changed, **_at(moment)})


@lru_cache(maxsize=64)
def _updating_each(
    table: Table, names: tuple[str, ...], where: tuple[ColumnElement[bool], ...], moment: str | None
) -> Update:
    """The statement for one row at a time."""
    columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return update(table).where(table.c.key == bindparam("new_key"), *where).values({**columns, **_at(moment)})


@lru_cache(maxsize=64)
def _prepared_update(table: Table, names: tuple[str, ...], moment: str | None) -> tuple[str, tuple[str, ...]]:
    """The statement for SQLite's driver, and the order of its parameters by the names of columns."""
    compiled = _updating_each(table, names, (), moment).compile(dialect=sqlite.dialect())
    return str(compiled), tuple(name.removeprefix("new_") for name in compiled.positiontup or ())


def _new(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as parameters of an UPDATE."""
    return {f"new_{name}": value for name, value in row.items()}


def _at(moment: str | None) -> dict[str, Any]:
    return {moment: now()} if moment else {}


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
