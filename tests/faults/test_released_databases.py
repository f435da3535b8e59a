"""A database of every released revision is migrated with all its rows, and its work goes on; a newer one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from migrations.revision import UnknownRevision, newest
from migrations.upgrade import upgrade
from service.operations import experiments, patrol
from service.operations.results import results_document
from service.storage.database import Database, stored_revision
from service.storage.tables import metadata
from tests.released import FIRST_KEYS, content, fill
from tests.scenes import Scene, context_over

VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"
REVISIONS = sorted(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py"))

LAST_WITHOUT_STACKS = "0014"
"""of later ones, the rows are those that the migration to stacks made of what it found"""


@pytest.fixture
def empty(database: Database) -> Database:
    """A database without any table."""
    with database.writing() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
    return database


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_database_of_a_release_keeps_all_rows_and_its_work_goes_on(empty: Database, revision: str) -> None:
    upgrade(empty.engine, min(revision, LAST_WITHOUT_STACKS))
    with empty.writing() as connection:
        fill(connection)
    upgrade(empty.engine, revision)
    with empty.reading() as connection:
        before = content(connection)
    assert [len(before[table]) for table in ("runs", "metrics", "checkpoints", "probes")] == [16, 20, 10, 1]
    upgrade(empty.engine)
    with empty.reading() as connection:
        assert stored_revision(connection) == newest()
        after = content(connection)
    for table, rows in before.items():
        assert rows.keys() == after[table].keys(), f"{table} lost rows, or gained some"
        for key, row in rows.items():
            kept = {name: after[table][key][name] for name in row if name in after[table][key]}
            assert kept == {name: row[name] for name in kept}, f"{table} {key}"
    goes_on(empty)


def goes_on(database: Database) -> None:
    """All that was open ends; what was done is there to be read."""
    scene = Scene(context_over(database))
    assert patrol.walk(scene.context, "patrol")
    scene.finish_all()
    assert scene.state(FIRST_KEYS["under way"]) == "succeeded"
    assert scene.state(FIRST_KEYS["paused"]) == "paused"
    experiments.resume(scene.context, FIRST_KEYS["paused"])
    assert scene.finish_all() == 3  # what was stored goes on by itself; the others are beside each other
    assert scene.counts(FIRST_KEYS["paused"]) == {"succeeded": 4}
    assert scene.counts(FIRST_KEYS["cancelled"]) == {"succeeded": 1, "cancelled": 3}
    done = results_document(scene.context, FIRST_KEYS["done"])
    assert [each["metrics"]["test_accuracy"]["mean"] for each in done["conditions"]] == [1.0, 1.0]


@pytest.mark.parametrize("revision", ["9999", "0099"])
def test_a_database_of_a_newer_release_is_refused_with_a_sentence_and_left_alone(
    database: Database, revision: str
) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
        before = content(connection)
    with pytest.raises(UnknownRevision, match=rf"has the revision '{revision}'.*Install the newer Memspan"):
        upgrade(database.engine)
    with database.reading() as connection:
        assert (stored_revision(connection), content(connection)) == (revision, before)
