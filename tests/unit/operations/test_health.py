"""Health: what is said of the database and the broker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.disk import Disk
from service.operations import health, room
from service.queue.bell import Bell, LocalBell, NoBell
from service.queue.redis_bell import RedisBell
from service.storage.database import stored_revision
from tests.scenes import Scene


@pytest.mark.parametrize(
    ("bell", "status", "broker"),
    [
        (NoBell(), "ok", "none: workers look for work by themselves"),
        (LocalBell(lambda: None), "ok", "none: workers look for work by themselves"),
        (RedisBell("redis://127.0.0.1:1/0"), "degraded", "away: work is found by looking, which takes longer"),
    ],
    ids=["none", "local", "away"],
)
def test_a_broker_that_is_not_there_is_not_called_up(scene: Scene, bell: Bell, status: str, broker: str) -> None:
    context = replace(scene.context, bell=bell)
    with context.database.reading() as connection:
        revision = stored_revision(connection)
    ready, answer = health.readiness(context, revision)
    assert ready
    assert (answer["status"], answer["components"]["broker"]) == (status, broker)


def test_a_disk_with_too_little_room_degrades_and_is_named_with_what_is_kept_free(scene: Scene) -> None:
    settings = scene.context.settings.model_copy(update={"minimum_free": 2**62})
    context = replace(scene.context, settings=settings)
    with context.database.reading() as connection:
        revision = stored_revision(connection)
    ready, answer = health.readiness(context, revision)
    assert (ready, answer["status"]) == (True, "degraded")
    assert "4.0EiB are kept free (MEMSPAN_MINIMUM_FREE)" in answer["components"]["disk"]


def test_without_a_setting_a_disk_keeps_two_percent_free_and_never_more_than_a_gibibyte(scene: Scene) -> None:
    small, large = (Disk("home", free_bytes=0, total_bytes=size) for size in (10**9, 10**13))
    assert [room.minimum(scene.context, disk) for disk in (small, large)] == [20_000_000, 2**30]
