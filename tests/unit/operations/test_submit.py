"""Submitting: one unit of work, and one experiment for one key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from service.errors import Unprocessable
from service.middleware.idempotency import Began, Mismatch, Replay, Running
from service.middleware.ledger import HOLD_SECONDS, SqlLedger
from service.operations import experiments
from service.storage import experiments as experiment_rows
from service.storage.clock import now
from service.storage.database import Database
from service.storage.experiments import KeyTaken, NewExperiment
from service.storage.tables import experiments as experiments_table
from service.storage.tables import runs
from tests.scenes import Scene, context_over, spec

THREADS = 20
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def stored(scene: Scene) -> tuple[int, int]:
    """How many experiments and runs there are."""
    with scene.context.database.reading() as connection:
        tables = (experiments_table, runs)
        first, second = (connection.execute(select(func.count()).select_from(t)).scalar_one() for t in tables)
    return first, second


def test_an_experiment_is_stored_with_all_its_runs_and_rings(scene: Scene) -> None:
    key = scene.submit(lengths=[2, 3], repeats=5)
    assert stored(scene) == (1, 10)
    assert set(scene.context.bell.rung) == {"cpu", "gpu"}
    assert scene.counts(key) == {"queued": 10}


def test_one_key_from_many_threads_makes_one_experiment(scene: Scene, database_url: str) -> None:
    def submit(number: int) -> int:
        database = Database(database_url)
        view = experiments.submit(context_over(database), spec(), "the key")
        database.close()
        return int(view.row.key)

    with ThreadPoolExecutor(THREADS) as pool:
        keys = set(pool.map(submit, range(THREADS)))
    assert (len(keys), stored(scene)) == (1, (1, 2))


def test_experiments_without_a_key_are_made_each(scene: Scene) -> None:
    assert len({scene.submit() for _ in range(3)}) == 3


def test_a_key_of_another_experiment_is_refused(scene: Scene) -> None:
    """The ledger forgot the first answer, as it does when that was lost; the experiment remembers its key."""
    experiments.submit(scene.context, spec(), "the key")
    with pytest.raises(Unprocessable):
        experiments.submit(scene.context, spec(repeats=3), "the key")
    assert stored(scene) == (1, 2)


def test_a_key_is_free_again_when_its_time_is_over(scene: Scene) -> None:
    old = experiments.submit(scene.context, spec(), "the key").row.key
    hours = scene.context.settings.idempotency_hours
    with scene.context.database.writing() as connection:
        connection.execute(update(experiments_table).values(created_at=now() - 3600 * hours - 1))
    new = experiments.submit(scene.context, spec(repeats=3), "the key").row.key
    assert old != new
    assert experiments.submit(scene.context, spec(repeats=3), "the key").row.key == new


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database, hours=24)


def test_one_of_many_requests_with_a_key_begins(ledger: SqlLedger) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda _: ledger.begin("key", "body", NOW), range(THREADS)))
    assert sorted(type(answer).__name__ for answer in answers) == ["Began"] + ["Running"] * (THREADS - 1)


def test_a_repetition_is_given_the_stored_answer_to_the_byte(ledger: SqlLedger) -> None:
    ledger.begin("key", "body", NOW)
    ledger.finish("key", 201, (("location", "/a"), ("x", "ü")), b"\x00\xff")
    assert ledger.begin("key", "body", NOW) == Replay(201, (("location", "/a"), ("x", "ü")), b"\x00\xff")
    assert ledger.begin("key", "other body", NOW) == Mismatch()


def test_a_key_that_was_given_back_may_be_taken_and_an_answered_one_may_not(ledger: SqlLedger) -> None:
    ledger.begin("key", "body", NOW)
    ledger.abandon("key")
    assert ledger.begin("key", "body", NOW) == Began()
    ledger.finish("key", 200, (), b"")
    ledger.abandon("key")
    assert ledger.begin("key", "body", NOW) == Replay(200, (), b"")


def test_the_key_of_a_dead_request_is_taken_over_by_one(ledger: SqlLedger) -> None:
    ledger.begin("key", "body", NOW)
    later = NOW + timedelta(seconds=HOLD_SECONDS + 1)
    assert ledger.begin("key", "body", later - timedelta(seconds=2)) == Running()
    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda _: ledger.begin("key", "body", later), range(THREADS)))
    assert sorted(type(answer).__name__ for answer in answers) == ["Began"] + ["Running"] * (THREADS - 1)


def test_a_key_is_forgotten_when_its_time_is_over(ledger: SqlLedger) -> None:
    ledger.begin("key", "body", NOW)
    ledger.finish("key", 200, (), b"")
    assert ledger.begin("key", "other", NOW + timedelta(hours=25)) == Began()


def test_a_key_that_another_unit_of_work_has_just_taken_is_named(scene: Scene) -> None:
    new = NewExperiment("", {}, 0, " ", 0, 0.0, "the key", None)
    with scene.context.database.writing() as connection:
        experiment_rows.add(connection, new)
    with scene.context.database.writing() as connection, pytest.raises(KeyTaken, match="the key"):
        experiment_rows.add(connection, new)
