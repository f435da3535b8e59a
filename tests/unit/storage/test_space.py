"""Space: what was deleted goes back to the file system, in portions, while others work."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from service.operations.doctor import examined
from service.storage import space
from service.storage.database import Database
from tests.databases import migrate
from tests.scenes import context_over

LARGE = 40 * 2**20


def grown(path: Path) -> Database:
    """A database that held much more than it holds."""
    database = Database(f"sqlite:///{path}")
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE large (data)")
        for _ in range(LARGE // 2**20):
            connection.exec_driver_sql("INSERT INTO large VALUES (?)", (os.urandom(2**20),))
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE large")
    return database


def size(database: Database) -> int:
    """Bytes of the file, its log written into it."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
    assert database.path is not None
    return database.path.stat().st_size


def test_a_file_shrinks_in_portions_and_keeps_some_room(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path / 'memspan.db'}")
    database = grown(tmp_path / "memspan.db")
    assert size(database) > LARGE
    given = []
    while True:
        with database.writing() as connection:
            given.append(space.give_back(connection))
        if not given[-1]:
            break
    assert 1 < max(given) <= space.PAGES_AT_ONCE
    assert size(database) < space.WORTH_BYTES + 2**20
    database.close()


def test_a_file_of_an_older_release_is_written_anew_by_the_doctor_and_shrinks_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "memspan.db"
    old = sqlite3.connect(path)
    old.execute("PRAGMA auto_vacuum=NONE")
    old.execute("CREATE TABLE first (x)")
    old.close()
    migrate(f"sqlite:///{path}")
    database = grown(path)
    context = context_over(database)
    with database.reading() as connection:
        assert not space.shrinks(connection)
    assert [each.check for each in examined(context) if not each.sound] == ["free_space"]
    assert all(each.sound for each in examined(context, mend=True))
    assert size(database) < 2**20
    with database.reading() as connection:
        assert space.shrinks(connection)
    database.close()


def test_the_log_beside_the_file_shrinks_again(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path / 'memspan.db'}")
    database = Database(f"sqlite:///{tmp_path / 'memspan.db'}")
    with database.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_size_limit").scalar_one() == 64 * 2**20
    database.close()


@pytest.mark.parametrize("pages", [0, 100])
def test_little_free_room_is_left_for_what_comes(tmp_path: Path, pages: int) -> None:
    migrate(f"sqlite:///{tmp_path / 'memspan.db'}")
    database = Database(f"sqlite:///{tmp_path / 'memspan.db'}")
    with database.writing() as connection:
        assert space.give_back(connection, pages) == 0
    database.close()
