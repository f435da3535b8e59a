"""The schema that Alembic builds is the one that the code knows."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from migrations.revision import newest
from migrations.upgrade import configuration, upgrade
from service.storage.database import Database, stored_revision
from service.storage.tables import metadata
from tests.databases import migrate


def test_the_migrated_schema_is_what_the_tables_say(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_every_index_and_constraint_of_the_tables_is_in_the_database(database: Database) -> None:
    found = inspect(database.engine)
    for table in metadata.tables.values():
        indexes = {index["name"] for index in found.get_indexes(table.name) if "duplicates_constraint" not in index}
        assert {index.name for index in table.indexes} == indexes, table.name


def test_the_newest_revision_is_the_last_that_alembic_would_apply() -> None:
    assert ScriptDirectory.from_config(configuration()).get_current_head() == newest()


def test_migrating_twice_changes_nothing(database: Database) -> None:
    upgrade(database.engine)
    with database.reading() as connection:
        assert stored_revision(connection) == newest()


def test_processes_that_migrate_at_once_take_turns(database_url: str) -> None:
    empty = Database(database_url)
    with empty.writing() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as processes:
        for done in [processes.submit(migrate, database_url) for _ in range(6)]:
            done.result(timeout=60)
    with empty.reading() as connection:
        assert stored_revision(connection) == newest()
    empty.close()


def test_a_migration_that_fails_takes_those_before_it_back(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All or none, in one transaction: between two migrations nobody else may begin, or see half of them."""
    empty = Database(database_url)
    with empty.writing() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
    whole = command.upgrade

    def broken(config: Config, revision: str) -> None:
        whole(config, "0002")
        raise RuntimeError("the power went")

    monkeypatch.setattr(command, "upgrade", broken)
    with pytest.raises(RuntimeError, match="the power went"):
        upgrade(empty.engine)
    with empty.reading() as connection:
        assert stored_revision(connection) is None
    assert not inspect(empty.engine).has_table("runs")
    monkeypatch.undo()
    upgrade(empty.engine)
    with empty.reading() as connection:
        assert stored_revision(connection) == newest()
    empty.close()
