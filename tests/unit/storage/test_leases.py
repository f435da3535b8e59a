"""Leases: what expires goes back, what keeps being lost fails, and getting somewhere clears the blame."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from service.operations import patrol, work
from service.operations import runs as run_operations
from service.queue_names import Queue
from service.storage import depths
from service.storage.clock import now
from service.storage.depths import QueueDepth
from service.storage.tables import runs, stacks
from tests.scenes import Scene


def expire(scene: Scene) -> None:
    """Let a lease's time pass, and the patrol walk by."""
    with scene.context.database.writing() as connection:
        connection.execute(update(stacks).where(stacks.c.lease_until.is_not(None)).values(lease_until=now() - 1))
    assert patrol.walk(scene.context, "patrol")


def stored(scene: Scene) -> Any:
    """The first run's row with its stack's."""
    names = ("lost", "lease_until", "worker")
    of_stack = [stacks.c[name] for name in names]
    with scene.context.database.reading() as connection:
        joined = select(runs, *of_stack).outerjoin(stacks, stacks.c.key == runs.c.stack_key)
        return connection.execute(joined.order_by(runs.c.key).limit(1)).one()


def test_a_lease_that_is_beaten_does_not_expire(scene: Scene) -> None:
    scene.submit()
    claimed = scene.claim()
    with scene.context.database.writing() as connection:
        connection.execute(update(stacks).values(lease_until=now() + 1))
    assert work.beat(scene.context, claimed.lease)
    assert stored(scene).lease_until > stored(scene).started_at + 50


def test_an_expired_lease_puts_the_run_back_for_another_worker(scene: Scene) -> None:
    key = scene.submit(repeats=1)
    scene.claim("dead")
    expire(scene)
    assert (stored(scene).state, stored(scene).lost, stored(scene).worker) == ("queued", 1, None)
    scene.finish(scene.claim("living"))
    assert scene.state(key) == "succeeded"
    assert stored(scene).attempt == 2


def test_the_third_loss_in_a_row_fails_the_run_as_worker_lost(scene: Scene) -> None:
    key = scene.submit(repeats=1)
    for _ in range(3):
        scene.claim()
        expire(scene)
    row, _, checkpoints = run_operations.look(scene.context, stored(scene).key)
    assert (row.state, row.reason, row.attempt, list(checkpoints)) == ("failed", "worker_lost", 3, [])
    assert "3 times" in row.detail
    assert scene.state(key) == "failed"


def test_a_stored_slice_clears_the_losses(scene: Scene) -> None:
    key = scene.submit(repeats=1)
    for epoch in range(1, 6):
        scene.keep(scene.claim(), epoch=epoch, step=0)
        expire(scene)
        assert (stored(scene).state, stored(scene).lost) == ("queued", 1)
    scene.finish(scene.claim())
    assert scene.state(key) == "succeeded"


def test_giving_back_is_no_loss(scene: Scene) -> None:
    scene.submit()
    for _ in range(5):
        scene.give_back(scene.claim())
    assert (stored(scene).state, stored(scene).lost, stored(scene).attempt) == ("queued", 0, 5)


def test_only_what_expired_is_taken_back(scene: Scene) -> None:
    first, second = scene.submit(), scene.submit()
    scene.claim(), scene.claim()
    with scene.context.database.writing() as connection:
        mine = stacks.c.experiment_key == first
        connection.execute(update(stacks).where(mine).values(lease_until=now() - 1))
    patrol.walk(scene.context, "patrol")
    assert (scene.counts(first), scene.counts(second)) == ({"queued": 2}, {"running": 2})


def test_one_patrol_walks_at_a_time_and_the_next_one_takes_over(scene: Scene) -> None:
    assert patrol.walk(scene.context, "first")
    assert patrol.walk(scene.context, "first")
    assert not patrol.walk(scene.context, "second")
    from service.storage.tables import leaderships

    with scene.context.database.writing() as connection:
        connection.execute(update(leaderships).values(until=now() - 1))
    assert patrol.walk(scene.context, "second")
    assert not patrol.walk(scene.context, "first")


def test_the_patrol_rings_for_what_waits_and_only_for_that(scene: Scene) -> None:
    patrol.walk(scene.context, "patrol")
    assert scene.context.bell.rung == []
    scene.submit()
    scene.context.bell.rung.clear()
    patrol.walk(scene.context, "patrol")
    assert scene.context.bell.rung == ["cpu"]


@pytest.mark.usefixtures("compiled_loops")
def test_queue_depths_tell_what_waits_and_what_is_leased(scene: Scene) -> None:
    scene.submit(repeats=40)
    scene.claim()
    with scene.context.database.reading() as connection:
        cpu, gpu, probe = depths.of_queues(connection)
    assert (cpu.waiting, cpu.leased) in {(10, 30), (30, 10)}
    assert cpu.oldest_wait_seconds >= 0
    assert gpu == QueueDepth(Queue.GPU, waiting=0, leased=0, oldest_wait_seconds=None)
    assert probe.waiting == 0
