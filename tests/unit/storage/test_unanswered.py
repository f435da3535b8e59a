"""What is told in one go is kept whole or not at all, and what goes wrong with it is said as all errors are."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from service.storage.database import Connection, Database
from service.storage.database_errors import AWAY
from service.storage.unanswered import unanswered
from tests.servers import PostgresServer

NOTE = "INSERT INTO blobs (sha256, bytes, data) VALUES (:name, 0, '')"


def note(connection: Connection, *names: str) -> None:
    for name in names:
        connection.execute(text(NOTE), {"name": name})


def fail(database: Database) -> None:
    with database.writing() as connection, unanswered(connection):
        note(connection, "a")
        raise ZeroDivisionError


def be_cut_off(database: Database, server: PostgresServer) -> None:
    with database.writing() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with unanswered(connection):
            note(connection, "a")
            with server.connect() as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
            note(connection, "b")


def noted(database: Database) -> set[str]:
    with database.asking() as connection:
        return set(connection.execute(text("SELECT sha256 FROM blobs")).scalars())


def test_what_is_told_in_one_go_is_kept(database: Database) -> None:
    with database.writing() as connection, unanswered(connection):
        note(connection, "a", "b", "c")
    assert noted(database) == {"a", "b", "c"}


def test_an_error_among_it_is_one_of_sqlalchemy_s_and_nothing_is_kept(database: Database) -> None:
    with pytest.raises(IntegrityError), database.writing() as connection, unanswered(connection):
        note(connection, "a", "a", "b")
    with database.writing() as connection, unanswered(connection):
        note(connection, "c")
    assert noted(database) == {"c"}


def test_an_error_of_our_own_is_what_it_was(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        fail(database)
    assert noted(database) == set()


def test_a_server_that_goes_away_meanwhile_is_away(database: Database, postgres: PostgresServer) -> None:
    if database.dialect != "postgresql":
        pytest.skip("SQLite's file does not go away")
    with pytest.raises(AWAY):
        be_cut_off(database, postgres)
    with database.writing() as connection, unanswered(connection):
        note(connection, "c")
    assert noted(database) == {"c"}
