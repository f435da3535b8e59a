"""Damage: single bits of stored values turned over, as a disk or a memory chip does it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Column, ColumnElement, Connection, Table, select, update

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
    """Turn over one bit of a stored value."""
    with unruled(database) as connection:
        value = connection.execute(select(column).where(where)).scalar_one()
        done = connection.execute(update(table).where(where).values({column: flipped(value, bit)}))
        assert done.rowcount == 1


@contextmanager
def unruled(database: Database) -> Iterator[Connection]:
    """A connection that writes whatever the database's own rules say of it."""
    sqlite = database.dialect == "sqlite"
    off, on = (
        ("PRAGMA foreign_keys=OFF", "PRAGMA foreign_keys=ON")
        if sqlite
        else ("SET session_replication_role = replica", "SET session_replication_role = DEFAULT")
    )
    with database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute(off)
        with connection.begin() if not connection.in_transaction() else connection.get_transaction():  # type: ignore[union-attr]
            yield connection
        driver.execute(on)
        if not sqlite:
            driver.commit()
