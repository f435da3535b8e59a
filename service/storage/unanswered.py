"""Unanswered: what is told to a database in one go, without waiting for it to answer each sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


@contextmanager
def unanswered(connection: Connection) -> Iterator[None]:
    """PostgreSQL hears all statements within before it answers the first one: its pipeline mode.

    Most of what a short statement costs, here and there, is being woken up for it. Nothing within may ask for rows or
    for how many there were, and what goes wrong may be said by a later statement, or at the end. SQLite, which is
    called and not written to, goes on as ever.

    Raises:
        DBAPIError: what the driver says at the end.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    try:
        with driver.pipeline():
            yield
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_told(connection, driver, error) from error


def _as_told(connection: Connection, driver: Any, error: Any) -> BaseException:
    """An error of the driver as SQLAlchemy tells those of statements that it waits for."""
    lost = connection.dialect.is_disconnect(error, driver, None)
    if lost:
        connection.invalidate(error)
    of_driver = connection.dialect.loaded_dbapi.Error
    told: BaseException = DBAPIError.instance(None, None, error, of_driver, connection_invalidated=lost)
    return told
