"""Inheritance: a process that is started again takes back what it held, and from nobody who is alive."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from service.operations.inheritance import QUIET_SECONDS, Inheritance
from service.queue_names import Queue
from service.storage import workers
from service.storage.tables import workers as worker_rows
from service.storage.workers import Identity
from tests.scenes import Scene


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def employ(scene: Scene, name: str, parent: str, host: str = "box") -> None:
    with scene.context.database.writing() as connection:
        workers.register(connection, Identity(name, parent, host, 1, (Queue.CPU,), "cpu", 2**30))


def test_what_a_killed_process_held_is_taken_back_when_its_host_starts_again(scene: Scene, clock: Clock) -> None:
    employ(scene, "gone", "before")
    key = scene.submit()
    scene.claim("gone")
    looking = Inheritance(scene.context, "now", "box", clock)
    assert not looking.look()
    assert scene.counts(key) == {"running": 2}
    clock.now = QUIET_SECONDS
    assert looking.look()
    assert scene.counts(key) == {"queued": 2}
    assert [row.name for row in _known(scene)] == []


def test_a_living_worker_of_a_host_with_the_same_name_keeps_what_it_holds(scene: Scene, clock: Clock) -> None:
    employ(scene, "alive", "another process")
    key = scene.submit()
    claimed = scene.claim("alive")
    looking = Inheritance(scene.context, "now", "box", clock)
    assert not looking.look()
    with scene.context.database.writing() as connection:
        connection.execute(update(worker_rows).values(beat_at=worker_rows.c.beat_at + 2))
    assert looking.look()
    assert scene.counts(key) == {"running": 2}
    scene.finish(claimed)
    assert scene.state(key) == "succeeded"


def test_other_hosts_and_own_workers_are_no_inheritance(scene: Scene, clock: Clock) -> None:
    employ(scene, "mine", "now")
    employ(scene, "far", "before", host="another box")
    assert Inheritance(scene.context, "now", "box", clock).look()
    assert {row.name for row in _known(scene)} == {"mine", "far"}


def _known(scene: Scene) -> list[workers.WorkerRecord]:
    with scene.context.database.reading() as connection:
        return workers.known(connection)
