"""Event feeds: one reader of new events for each followed experiment, fanned out to all who follow it."""

import asyncio
from collections.abc import AsyncIterator

from anyio.to_thread import run_sync

from service.operations import events
from service.operations.context import Context
from service.operations.events import Happening

LOOK_SECONDS = 0.25
QUIET_SECONDS = 15.0
PAGE = 500


class EventFeed:
    """Looks for new events of one experiment and wakes its followers; lives as long as it has any."""

    def __init__(self, context: Context, key: int) -> None:
        self._context, self._key = context, key
        self.followers = 0
        self.newest = 0
        self.ended = False
        self._news = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def wait(self, seen: int) -> None:
        """Return when there may be events behind ``seen``, or after a quiet while."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: self.newest > seen or self.ended), QUIET_SECONDS)

    async def _run(self) -> None:
        while not self.ended:
            try:
                newest, ended = await run_sync(self._look)
            except Exception:  # the database may be away; followers go on waiting
                newest, ended = self.newest, False
            if newest > self.newest or ended:
                async with self._news:
                    self.newest, self.ended = newest, ended
                    self._news.notify_all()
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self) -> tuple[int, bool]:
        """The newest event's number, and whether the experiment had ended before we looked for it."""
        ended = events.over(self._context, self._key)
        return events.newest(self._context, self._key), ended


class EventFeeds:
    """The feeds of this process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._feeds: dict[int, EventFeed] = {}

    async def follow(self, key: int, sequence: int) -> AsyncIterator[Happening | None]:
        """Every event behind ``sequence``, once each and in order, to the experiment's end; None in quiet times."""
        feed = self._feeds.setdefault(key, EventFeed(self._context, key))
        feed.followers += 1
        self._context.meters.listeners.inc()
        feed.start()
        try:
            async for event in self._events(feed, key, sequence):
                yield event
        finally:
            feed.followers -= 1
            self._context.meters.listeners.dec()
            if not feed.followers:
                feed.stop()
                self._feeds.pop(key, None)

    async def _events(self, feed: EventFeed, key: int, sequence: int) -> AsyncIterator[Happening | None]:
        while True:
            ended = feed.ended
            page = await run_sync(events.after, self._context, key, sequence, PAGE)
            for event in page:
                yield event
                sequence = event.sequence
            if len(page) == PAGE:
                continue
            if ended:
                return
            try:
                await feed.wait(sequence)
            except TimeoutError:
                yield None
