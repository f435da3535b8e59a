"""Claims: every run is claimed by exactly one worker, and nobody waits for ever."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from service.operations import claiming, experiments
from service.queue_names import TRAINING
from service.storage import stacks
from service.storage.tables import runs
from service.storage.tables import stacks as stacks_table
from tests.scenes import Scene
from tests.unit.storage.claimers import claim_all

WORKERS = 8


def threads() -> Executor:
    return ThreadPoolExecutor(WORKERS)


def processes() -> Executor:
    return ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("pool", [threads, processes])
def test_many_claimers_at_once_claim_every_run_once(scene: Scene, database_url: str, pool: type[Executor]) -> None:
    scene.submit(lengths=list(range(2, 32)), repeats=40)
    scene.submit(lengths=[2, 3], repeats=3)
    with pool() as claimers:
        work = [claimers.submit(claim_all, database_url, f"worker-{number}") for number in range(WORKERS)]
        claimed = [key for done in work for key in done.result(timeout=120)]
    assert len(claimed) == len(set(claimed)) == 30 * 40 + 2 * 3
    with scene.context.database.reading() as connection:
        stored = connection.execute(
            select(runs.c.state, runs.c.attempt, func.count()).group_by(runs.c.state, "attempt")
        )
        assert [tuple(row) for row in stored] == [("running", 1, len(claimed))]


def test_a_small_experiment_is_not_starved_by_a_large_older_one(scene: Scene) -> None:
    large = scene.submit(repeats=750, lengths=[2, 3])
    for _ in range(3):
        scene.finish(scene.claim())
    small = scene.submit(repeats=10)
    served = [scene.claim().experiment for _ in range(2)]
    assert sorted(served) == [large, small]


def test_one_worker_alone_serves_experiments_in_turn(scene: Scene) -> None:
    large = scene.submit(repeats=750, lengths=[2, 3])
    small = scene.submit(repeats=64)
    served = []
    for _ in range(4):
        claimed = scene.claim()
        served.append(claimed.experiment)
        scene.finish(claimed)
    assert (served.count(large), served.count(small)) == (2, 2)


def test_newcomers_do_not_starve_a_large_experiment(scene: Scene) -> None:
    large = scene.submit(repeats=750, lengths=[2, 3])
    served = []
    for _ in range(6):
        scene.submit()
        claimed = scene.claim()
        served.append(claimed.experiment)
        scene.finish(claimed)
    assert served.count(large) >= 1


def test_a_higher_priority_goes_first(scene: Scene) -> None:
    low, high = scene.submit(priority=-1), scene.submit(priority=3)
    middle = scene.submit()
    assert [scene.claim().experiment for _ in range(3)] == [high, middle, low]


def test_a_paused_experiment_is_left_alone(scene: Scene) -> None:
    paused = scene.submit(priority=10)
    other = scene.submit()
    experiments.pause(scene.context, paused)
    assert scene.claim().experiment == other
    assert scene.try_claim() is None
    assert scene.counts(paused) == {"queued": 2}


@pytest.mark.usefixtures("compiled_loops")
def test_runs_of_one_stack_are_claimed_together(scene: Scene) -> None:
    scene.submit(repeats=40)
    assert sorted(len(scene.claim().runs) for _ in range(2)) == [10, 30]


def test_the_longest_work_of_an_experiment_goes_first(scene: Scene) -> None:
    scene.submit(lengths=[2, 50, 9])
    assert [scene.claim().condition.length for _ in range(3)] == [50, 9, 2]


def test_mates_at_different_positions_are_not_mixed(scene: Scene) -> None:
    key = scene.submit(repeats=4)
    with scene.context.database.writing() as connection:
        (stack,) = stacks.lock_waiting(connection, key, 2)
        keys = stacks.open_runs(connection, stack.key)
        stacks.split(connection, stack, [keys[:2], keys[2:]])
    first, second = scene.claim(), scene.claim()
    scene.keep(second, epoch=1)
    scene.give_back(second)
    scene.give_back(first)
    together = {frozenset(scene.claim().runs) for _ in range(2)}
    assert together == {frozenset(first.runs), frozenset(second.runs)} == {frozenset({0, 1}), frozenset({2, 3})}


def test_runs_for_a_gpu_are_left_to_gpu_workers(scene: Scene) -> None:
    scene.submit()
    with scene.context.database.writing() as connection:
        connection.execute(stacks_table.update().values(queue="gpu"))
    assert scene.try_claim() is None


@pytest.mark.parametrize("beginning", [0.0, 1e6])
def test_the_turns_of_two_queues_are_not_compared(scene: Scene, beginning: float) -> None:
    """A queue's clock begins anew when it was empty: it says nothing about how long another one's stacks wait."""
    on_gpu = scene.submit(lengths=[2, 3])
    with scene.context.database.writing() as connection:
        connection.execute(stacks_table.update().values(queue="gpu", turn=stacks_table.c.turn + beginning))
    on_cpu = scene.submit(lengths=[2, 3])
    for queues, served in ((TRAINING, on_cpu), (TRAINING[::-1], on_gpu)):
        claimed = claiming.claim(scene.context, "both", queues)
        assert claimed is not None
        assert claimed.experiment == served


def test_a_higher_priority_goes_first_whatever_the_queue(scene: Scene) -> None:
    urgent = scene.submit(priority=3)
    with scene.context.database.writing() as connection:
        connection.execute(stacks_table.update().values(queue="gpu"))
    scene.submit()
    claimed = claiming.claim(scene.context, "both", TRAINING)
    assert claimed is not None
    assert claimed.experiment == urgent


def test_a_claim_counts_the_attempt_and_marks_the_start(scene: Scene) -> None:
    key = scene.submit()
    claimed = scene.claim("somebody")
    with scene.context.database.reading() as connection:
        (stack,) = connection.execute(select(stacks_table)).all()
        rows = connection.execute(select(runs)).all()
    assert (stack.state, stack.worker, stack.lease, stack.runs) == ("running", "somebody", claimed.lease, len(rows))
    assert {(row.attempt, row.state, row.stack_key) for row in rows} == {(1, "running", stack.key)}
    assert all(row.started_at < stack.lease_until for row in rows)
    assert scene.state(key) == "running"
