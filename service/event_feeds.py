"""Event feeds: one reader of new events for each followed experiment, fanned out to all who follow it."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator
from operator import attrgetter

from anyio.to_thread import run_sync

from service.operations import events
from service.operations.context import Context
from service.operations.events import Happening

LOOK_SECONDS = 0.25
QUIET_SECONDS = 15.0
PAGE = 500
KEPT = 1_000
"""events that a feed hands out without asking the database"""


class EventFeed:
    """Reads the new events of one experiment, once for all its followers, and wakes them; lives as long as it has any.

    Followers wait for an event of which there is one for each piece of news: a condition has a lock, and a follower
    that leaves while it waits for the lock can't let go of it.
    """

    def __init__(self, context: Context, key: int) -> None:
        self._context, self._key = context, key
        self.followers = 0
        self.newest: int | None = None
        self.ended = False
        self._kept: list[Happening] = []
        self._floor = 0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def wait(self, seen: int) -> None:
        """Return when there may be events behind ``seen``, or raise TimeoutError after a quiet while."""
        if self.ended or (self.newest or 0) > seen:
            return
        async with asyncio.timeout(QUIET_SECONDS):
            await self._news.wait()

    def behind(self, sequence: int) -> list[Happening] | None:
        """The events behind ``sequence``, None where some of them were there before this feed began to read."""
        if self.newest is None or sequence < self._floor:
            return None
        return self._kept[bisect_right(self._kept, sequence, key=attrgetter("sequence")) :]

    async def _run(self) -> None:
        while not self.ended:
            try:
                found, ended = await run_sync(self._look)
            except Exception:  # the database may be away; followers go on waiting
                found, ended = [], False
            if found or ended:
                self._keep(found)
                self.ended = ended
                news, self._news = self._news, asyncio.Event()
                news.set()
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self) -> tuple[list[Happening], bool]:
        """The next events, and whether they are the last: the experiment had ended before we looked for them."""
        ended = events.over(self._context, self._key)
        if self.newest is None:
            self.newest = self._floor = events.newest(self._context, self._key)
            return [], ended
        found = events.after(self._context, self._key, self.newest, PAGE)
        return found, ended and len(found) < PAGE

    def _keep(self, found: list[Happening]) -> None:
        """Remember the newest events, and what lies before them."""
        self._kept += found
        self.newest = self._kept[-1].sequence if self._kept else self.newest
        if (more := len(self._kept) - KEPT) > 0:
            self._floor = self._kept[more - 1].sequence
            del self._kept[:more]


class EventFeeds:
    """The feeds of this process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._feeds: dict[int, EventFeed] = {}

    async def follow(self, key: int, sequence: int) -> AsyncIterator[Happening | None]:
        """Every event behind ``sequence``, once each and in order, to the experiment's end; None in quiet times."""
        feed = self._feeds.get(key)
        if feed is None or feed.ended:  # an experiment that had ended may go on
            feed = self._feeds[key] = EventFeed(self._context, key)
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
                if self._feeds.get(key) is feed:
                    del self._feeds[key]

    async def _events(self, feed: EventFeed, key: int, sequence: int) -> AsyncIterator[Happening | None]:
        while True:
            ended = feed.ended
            page = feed.behind(sequence)
            if page is None:
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
