"""The database: a unit of work is whole or nothing, a look is consistent, writers wait for each other."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.exc import IntegrityError

from service.storage.clock import now
from service.storage.database import Database
from service.storage.tables import checkpoints, leaderships
from tests.conftest import TEMPLATE
from tests.servers import PostgresServer


def add(connection: Connection, name: str, until: float = 0) -> None:
    connection.execute(leaderships.insert().values(name=name, owner="test", until=until))


def count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(leaderships)).scalar_one())


def test_a_unit_of_work_that_fails_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.writing() as connection:
            add(connection, "first")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with database.reading() as connection:
        assert count(connection) == 0


def test_one_look_sees_one_moment(database: Database) -> None:
    with database.reading() as connection:
        before = count(connection)
        with database.writing() as writer:
            add(writer, "meanwhile")
        assert count(connection) == before == 0
    with database.reading() as connection:
        assert count(connection) == 1


def test_writers_that_read_first_lose_no_update(database: Database) -> None:
    with database.writing() as connection:
        add(connection, "counter")

    def increase() -> None:
        for _ in range(20):
            with database.writing() as connection:
                row = select(leaderships.c.until).where(leaderships.c.name == "counter").with_for_update()
                value = connection.execute(row).scalar_one()
                connection.execute(update(leaderships).values(until=value + 1))

    threads = [threading.Thread(target=increase) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.reading() as connection:
        assert connection.execute(select(leaderships.c.until)).scalar_one() == 120


def test_foreign_keys_hold(database: Database) -> None:
    row: dict[str, Any] = {"run_key": 1, "kind": "last", "epoch": 1, "sha256": "none", "created_at": 0}
    with pytest.raises(IntegrityError), database.writing() as connection:
        connection.execute(checkpoints.insert().values(row))


def test_the_clock_runs_within_one_unit_of_work(database: Database) -> None:
    with database.reading() as connection:
        times = [connection.execute(select(now())).scalar_one() for _ in range(200)]
    assert times == sorted(times)
    assert 1.7e9 < times[0] < 1e11


@pytest.mark.parametrize(("option", "prepared"), [("", True), ("?prepare_threshold=none", False)])
def test_nothing_is_prepared_where_a_pooler_shares_connections(
    postgres: PostgresServer, option: str, prepared: bool
) -> None:
    database = Database(f"{postgres.url(TEMPLATE)}{option}")
    try:
        with database.reading() as connection:
            for _ in range(10):
                count(connection)
            found = connection.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one()
    finally:
        database.close()
    assert (found > 0) is prepared
