"""Behind a request's back: small writes that no answer waits for, in threads that keep no process alive."""

import asyncio
from collections.abc import Callable
from threading import Thread

import structlog

LEAVE_SECONDS = 1.0

log = structlog.stdlib.get_logger("memspan.access")


class Behind:
    """Does small things soon; one that fails is logged and forgotten."""

    def __init__(self) -> None:
        self._threads: list[Thread] = []

    def do(self, work: Callable[[], None]) -> None:
        """Begin now, and don't wait."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._threads.append(Thread(target=_done, args=(work,), name="behind", daemon=True))
        self._threads[-1].start()

    async def close(self) -> None:
        """Wait a moment for what is under way."""
        for thread in self._threads:
            await asyncio.to_thread(thread.join, LEAVE_SECONDS)


def _done(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:  # the database may be away
        log.warning("not_written", error=str(error))
