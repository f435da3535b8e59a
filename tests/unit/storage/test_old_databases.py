"""Databases of older releases: brought to the newest schema with all that they hold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import select, text

from migrations.revision import newest
from migrations.upgrade import configuration, upgrade
from service.storage import lost_leases
from service.storage import stacks as stacks_rows
from service.storage.database import Database, stored_revision
from service.storage.tables import experiments, metadata, stacks

FIRST = """
INSERT INTO experiments (name, spec, state, priority, kinds, runs, created_at)
VALUES ('old', '{}', 'succeeded', 0, ' task:latch ', 2, 1.5)
"""


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    """A database without any table."""
    made = Database(database_url)
    with made.writing() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
    yield made
    made.close()


def bring(database: Database, revision: str) -> None:
    config = configuration()
    with database.engine.connect().execution_options(memspan_writes=True) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_an_experiment_of_an_older_release_is_kept_and_part_of_no_study(empty: Database, revision: str) -> None:
    bring(empty, revision)
    with empty.writing() as connection:
        connection.execute(text(FIRST))
    upgrade(empty.engine)
    with empty.reading() as connection:
        assert stored_revision(connection) == newest()
        (row,) = connection.execute(select(experiments)).all()
    assert (row.name, row.runs, row.created_at) == ("old", 2, 1.5)
    assert (row.study, row.study_scale, row.study_part, row.study_group) == (None, None, None, None)


RUN = """
INSERT INTO runs (experiment_key, condition, repeat, seed, engine, width, stack, queue, cost, state)
VALUES (1, 0, 0, 7, 'fused', 8, 0, 'cpu', 12.0, 'queued')
"""
HELD = """
INSERT INTO runs (
    experiment_key, condition, repeat, seed, engine, width, stack, queue, stack_seconds, run_seconds,
    state, claim, worker, lease_until
) VALUES (1, 0, 0, 7, 'fused', 8, 0, 'cpu', 12.0, 1.5, 'running', 'token', 'gone', 1.5)
"""


def test_runs_of_an_older_release_get_their_share_of_their_stack(empty: Database) -> None:
    bring(empty, "0005")
    with empty.writing() as connection:
        connection.execute(text(FIRST))
        connection.execute(text(RUN))
    upgrade(empty.engine)
    with empty.reading() as connection:
        (row,) = connection.execute(select(stacks.c.seconds, stacks.c.run_seconds)).all()
    assert tuple(row) == (12.0, 1.5)


def test_what_a_worker_of_an_older_release_held_can_be_taken_back(empty: Database) -> None:
    bring(empty, "0006")
    with empty.writing() as connection:
        connection.execute(text(FIRST))
        connection.execute(text(HELD))
    upgrade(empty.engine)
    with empty.writing() as connection:
        assert list(stacks_rows.lock_held(connection, "token")) == [1]
        assert lost_leases.held_by(connection, "gone") == ["token"]
        lost_leases.lose(connection, "token", 3, "gone")
        assert stacks_rows.lock_held(connection, "token") == {}


def test_the_newest_schema_can_be_taken_back(empty: Database) -> None:
    upgrade(empty.engine)
    config = configuration()
    with empty.engine.connect().execution_options(memspan_writes=True) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
        connection.commit()
    with empty.reading() as connection:
        assert stored_revision(connection) == "0003"
    upgrade(empty.engine)


def test_an_experiment_of_an_older_release_has_no_owner(empty: Database) -> None:
    bring(empty, "0008")
    with empty.writing() as connection:
        connection.execute(text(FIRST))
    upgrade(empty.engine)
    with empty.reading() as connection:
        (row,) = connection.execute(select(experiments.c.name, experiments.c.owner)).all()
    assert tuple(row) == ("old", None)
