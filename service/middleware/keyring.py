"""The keyring: all keys as they stood half a second ago, in memory.

So a request asks no database for who sends it, and a key that is revoked anywhere ends in every process.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from hmac import compare_digest
from typing import TypeVar

from service.middleware.behind import Behind
from service.operations import audit
from service.operations.key_secret import digest, well_formed
from service.operations.sessions import digest as session_digest
from service.storage import clock, keys, sessions
from service.storage.audit import NewEntry
from service.storage.database import Database
from service.storage.keys import USE_SECONDS, KeyRecord
from service.storage.sessions import SessionRecord

LOOK_SECONDS = 0.5
"""how old the keyring may be: a key that is revoked anywhere lets nobody in after this time"""

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Ring:
    """All keys at one moment.

    Attributes:
        keys: by the digest of their secrets; revoked and expired ones, too.
        sessions: of browsers, by the digest of their cookies; the key of each.
        time: of the database's clock when they were read, ``read_at`` that of this process.
    """

    keys: Mapping[str, KeyRecord]
    time: float
    read_at: float
    sessions: Mapping[str, SessionRecord] = field(default_factory=dict)

    @cached_property
    def _numbered(self) -> Mapping[int, KeyRecord]:
        return {row.key: row for row in self.keys.values()}

    @property
    def locked(self) -> bool:
        """Whether a key is needed: whether there is any, though it may let in nobody any more."""
        return bool(self.keys)

    def find(self, secret: str) -> KeyRecord | None:
        """The key of a secret, whether or not it works.

        The dictionary is asked for a digest, which nobody can choose byte by byte; the comparison of what it finds
        takes the same time whatever differs.
        """
        sha256 = digest(secret)
        found = self.keys.get(sha256) if well_formed(secret) else None
        return found if found is not None and compare_digest(found.sha256, sha256) else None

    def find_session(self, secret: str, at: float) -> KeyRecord | None:
        """The key that a browser's session stands for, whether or not it works; None where the session has ended."""
        return self._of_session(session_digest(secret), at)

    def _of_session(self, sha256: str, at: float) -> KeyRecord | None:
        found = self.sessions.get(sha256)
        return None if found is None or found.expires_at <= self.now(at) else self._numbered.get(found.api_key)

    def now(self, at: float) -> float:
        """The database's time when this process's clock shows ``at``."""
        return self.time + max(at - self.read_at, 0.0)

    def lets_in(self, sha256: str | None, at: float) -> bool:
        """Whether who came with a key, with a session or with nothing is still let in."""
        if sha256 is None:
            return not self.locked
        found = self.keys.get(sha256) or self._of_session(sha256, at)
        return found is not None and found.works(self.now(at))


class Keyring:
    """Reads the keys again when they are needed and half a second old. Belongs to one event loop."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database, self._clock = database, clock
        self._known: Ring | None = None
        self._reading: asyncio.Lock = asyncio.Lock()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="keyring")
        self._used: dict[int, float] = {}
        self.behind = Behind()
        self._watched: dict[asyncio.Event, str | None] = {}
        self._watch: asyncio.Task[None] | None = None

    async def ring(self) -> Ring:
        """The keys, at most LOOK_SECONDS old. Whatever the database raises is raised: nobody is let in unseen."""
        if (known := self._fresh()) is not None:
            return known
        async with self._reading:
            if (known := self._fresh()) is not None:
                return known
            loop = asyncio.get_running_loop()
            self._known = await loop.run_in_executor(self._threads, self._read)
            return self._known

    def _fresh(self) -> Ring | None:
        known = self._known
        return known if known is not None and self._clock() - known.read_at < LOOK_SECONDS else None

    def _read(self) -> Ring:
        at = self._clock()
        with self._database.reading() as connection:
            known = {row.sha256: row for row in keys.all_keys(connection)}
            begun = {row.sha256: row for row in sessions.alive(connection)} if known else {}
            return Ring(known, clock.read(connection), at, begun)

    def forget(self) -> None:
        """Read the keys at the next request: this process itself has just changed them."""
        self._known = None

    def time(self) -> float:
        """Of the clock that rings are measured by."""
        return self._clock()

    def note_use(self, row: KeyRecord) -> None:
        """Write, once a minute and behind the request's back, that a key was used."""
        at = self._clock()
        if at - self._used.get(row.key, -USE_SECONDS) < USE_SECONDS:
            return
        self._used[row.key] = at
        self.behind.do(partial(self._write_use, row.key))

    def _write_use(self, key: int) -> None:
        with self._database.writing() as connection:
            keys.note_use(connection, key)

    def note_refused(self, entry: NewEntry) -> None:
        """Write behind the request's back what was refused."""
        self.behind.do(partial(audit.note_alone, self._database, entry))

    async def while_let_in(self, stream: AsyncIterator[Thing], sha256: str | None) -> AsyncIterator[Thing]:
        """A stream that ends when who listens is no longer let in."""
        with self._watching(sha256) as ended:
            leaving = asyncio.ensure_future(ended.wait())
            coming: asyncio.Future[Thing] | None = None
            try:
                while True:
                    coming = asyncio.ensure_future(anext(stream))
                    await asyncio.wait({coming, leaving}, return_when=asyncio.FIRST_COMPLETED)
                    if leaving.done():
                        return
                    try:
                        thing = coming.result()
                    except StopAsyncIteration:
                        return
                    yield thing
            finally:
                await _settled(leaving, coming)
                close = getattr(stream, "aclose", None)
                if close is not None:
                    await close()

    @contextmanager
    def _watching(self, sha256: str | None) -> Iterator[asyncio.Event]:
        """An event that is set once who came with a key is no longer let in."""
        event = asyncio.Event()
        self._watched[event] = sha256
        if self._watch is None or self._watch.done():
            self._watch = asyncio.get_running_loop().create_task(self._look())
        try:
            yield event
        finally:
            del self._watched[event]

    async def _look(self) -> None:
        """Tell those who listen that they are no longer let in; one look serves them all."""
        while self._watched:
            with suppress(Exception):  # the database may be away: then there is nothing new to hear
                ring = await self.ring()
                for event, sha256 in self._watched.items():
                    if not ring.lets_in(sha256, self._clock()):
                        event.set()
            await asyncio.sleep(LOOK_SECONDS)

    async def close(self) -> None:
        """Leave nothing behind."""
        if self._watch is not None:
            await _settled(self._watch)
        await self.behind.close()
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _settled(*futures: "asyncio.Future[Thing] | None") -> None:
    """Cancel what is still going on, and wait until it has ended."""
    for future in futures:
        if future is not None:
            future.cancel()
            with suppress(BaseException):
                await future
