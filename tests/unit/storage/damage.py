"""Damage: single bits of stored values turned over, as a disk or a memory chip does it."""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, Connection, Table, select, text, update

from service.storage.database import Database


def flipped(value: object, bit: int) -> object:
    """A stored value with one bit turned over, counted from its end so that numbers are hit, not headers."""
    if isinstance(value, int):
        return value ^ 1 << bit % 20
    if isinstance(value, str):
        digit = int(value[-1 - bit // 4 % len(value)], 16) ^ 1 << bit % 4
        place = len(value) - 1 - bit // 4 % len(value)
        return value[:place] + f"{digit:x}" + value[place + 1 :]
    assert isinstance(value, bytes)
    place = len(value) - 1 - bit // 8 % len(value)
    return value[:place] + bytes([value[place] ^ 1 << bit % 8]) + value[place + 1 :]


def damage(database: Database, table: Table, column: Column[object], where: ColumnElement[bool], bit: int = 0) -> None:
    """Turn over one bit of a stored value, whatever the database's own rules say of it."""
    with database.engine.connect() as connection:
        _without_rules(connection)
        value = connection.execute(select(column).where(where)).scalar_one()
        done = connection.execute(update(table).where(where).values({column: flipped(value, bit)}))
        assert done.rowcount == 1
        connection.commit()
        _with_rules(connection)


def _without_rules(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
    else:
        connection.execute(text("SET session_replication_role = replica"))


def _with_rules(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[union-attr]
    else:
        connection.execute(text("SET session_replication_role = DEFAULT"))
        connection.commit()
