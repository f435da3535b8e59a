"""Counters: what every process counts is summed, once, and only what was kept counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from service.counts import SLICE_BOUNDS, Counted, Counts
from service.operations import counting, lost_work
from service.storage import counters
from service.storage.database import Database
from service.storage.database_errors import DatabaseError
from service.storage.states import Reason
from tests.scenes import Scene


def totals(scene: Scene) -> dict[tuple[str, str], float]:
    """What is told after this process has handed in."""
    counting.hand_in(scene.context, "owner")
    with scene.context.database.reading() as connection:
        return dict(counters.totals(connection))


def test_runs_are_counted_by_the_state_they_end_in_and_failures_by_their_reason(scene: Scene) -> None:
    scene.submit(repeats=3)
    scene.finish(scene.claim())
    scene.submit(repeats=2)
    scene.fail(scene.claim(), Reason.OUT_OF_MEMORY, "too large")
    assert totals(scene) == {
        (Counted.RUNS_ENDED, "succeeded"): 3,
        (Counted.RUNS_ENDED, "failed"): 2,
        (Counted.RUNS_FAILED, "out_of_memory"): 2,
    }


def test_handing_in_twice_counts_once_and_nothing_counted_is_nothing_written(scene: Scene) -> None:
    scene.submit(repeats=3)
    scene.finish(scene.claim())
    assert totals(scene) == totals(scene) == {(Counted.RUNS_ENDED, "succeeded"): 3}


def test_lost_leases_and_the_runs_that_fail_by_them_are_counted(scene: Scene) -> None:
    scene.submit(repeats=1)
    for _ in range(lost_work.MOST_LOSSES):
        scene.claim("gone")
        lost_work.take_back_of(scene.context, "gone")
    assert totals(scene) == {
        (Counted.LEASES_LOST, "runs"): lost_work.MOST_LOSSES,
        (Counted.RUNS_ENDED, "failed"): 1,
        (Counted.RUNS_FAILED, "worker_lost"): 1,
    }


def test_a_unit_of_work_that_is_not_kept_counts_nothing(scene: Scene) -> None:
    database = scene.context.database

    def broken() -> None:
        with database.writing() as connection:
            counters.note(connection, Counted.RUNS_ENDED, "succeeded", 5)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    with database.writing() as connection:
        counters.note(connection, Counted.RUNS_ENDED, "failed", 1)
    assert totals(scene) == {(Counted.RUNS_ENDED, "failed"): 1}


def test_many_processes_that_hand_in_at_once_lose_no_count(database: Database) -> None:
    owners, rounds = 8, 12

    def process(owner: int) -> None:
        mine = Database(database.engine.url.render_as_string(hide_password=False))
        for _ in range(rounds):
            with mine.writing() as connection:
                counters.add(connection, f"owner-{owner}", {(each, "x"): 1 for each in Counted})
        mine.close()

    with ThreadPoolExecutor(owners) as pool:
        list(pool.map(process, range(owners)))
    with database.reading() as connection:
        assert counters.totals(connection) == {(each, "x"): owners * rounds for each in Counted}


def test_what_could_not_be_handed_in_is_kept_for_later(scene: Scene) -> None:
    database = scene.context.database
    database.counts.add(Counted.WORKERS_DIED, amount=2)
    with database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE counters RENAME TO hidden")
    with pytest.raises(DatabaseError):
        counting.hand_in(scene.context, "owner")
    with database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE hidden RENAME TO counters")
    assert totals(scene) == {(Counted.WORKERS_DIED, ""): 2}


def test_what_a_newer_release_counted_is_left_out(scene: Scene) -> None:
    with scene.context.database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO counters VALUES ('moons', '', 0, 7)")
    assert totals(scene) == {}


@pytest.mark.parametrize(("seconds", "bound"), [(0.0, 0.1), (0.1, 0.1), (14.9, 15.0), (1e6, float("inf"))])
def test_a_slice_falls_into_the_first_bucket_that_holds_it(seconds: float, bound: float) -> None:
    counts = Counts()
    counts.slice(seconds)
    assert bound in SLICE_BOUNDS
    assert counts.take() == {
        (Counted.SLICES, str(bound)): 1,
        **({(Counted.SLICE_SECONDS, ""): seconds} if seconds else {}),
    }
