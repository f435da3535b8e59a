"""Health: what is said of the database and the broker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.operations import health
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
