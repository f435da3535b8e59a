"""Event feeds: every follower hears every event once and in order, whoever leaves meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy
import pytest
from anyio.to_thread import run_sync

from service import event_feeds
from service.event_feeds import EventFeeds
from service.operations.experiments import cancel
from service.storage import events
from tests.contract.stage import LATCH, Stage, staged

FOLLOWERS, ROUNDS = 60, 8


async def follow(feeds: EventFeeds, key: int, start: int) -> list[int]:
    return [event.sequence async for event in feeds.follow(key, start) if event is not None]


def tell(stage: Stage, key: int, count: int) -> None:
    """Something happens to the experiment."""
    with stage.context.database.writing() as connection:
        events.append(connection, key, *[("probe", {"number": number}) for number in range(count)])


async def leave(task: asyncio.Task[list[int]]) -> BaseException | None:
    """Cancel a follower until it is gone, as a server does whose client has left."""
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)
    return None if task.cancelled() else task.exception()


async def crowd(stage: Stage, key: int) -> list[list[int]]:
    """What those hear who stay, while most leave at any moment."""
    feeds, rng = EventFeeds(stage.context), numpy.random.default_rng(7)
    tasks = [asyncio.create_task(follow(feeds, key, start % 4)) for start in range(FOLLOWERS)]
    for _ in range(ROUNDS):
        await run_sync(tell, stage, key, int(rng.integers(1, 900)))
        await asyncio.sleep(rng.random() / 20)
        for index in rng.choice(range(FOLLOWERS // 6, FOLLOWERS), 20):
            assert not isinstance(await leave(tasks[index]), Exception)
    await run_sync(cancel, stage.context, key)
    return list(await asyncio.gather(*tasks[: FOLLOWERS // 6]))


def test_who_stays_hears_all_while_others_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_feeds, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(event_feeds, "KEPT", 1_500)
    with staged(tmp_path) as stage:
        key = int(stage.submit(LATCH)["id"].removeprefix("exp-"))
        heard = asyncio.run(crowd(stage, key))
        with stage.context.database.reading() as connection:
            every = [row.sequence for row in events.after(connection, key, 0, 100_000)]
    assert len(every) > 1_500
    for start, sequences in enumerate(heard):
        assert sequences == [sequence for sequence in every if sequence > start % 4]
