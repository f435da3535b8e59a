"""Inheritance: what a process that was killed held goes on at once when it is started again, not when its lease ends.

A killed container comes back under its host's name, and nothing in it remembers who it was. So whoever starts looks at
the workers of its host that it did not start itself: those that are alive beat every few seconds, be they of another
process or of another host that bears the same name; those that don't are gone, and what they hold is taken back.
Should one only have been frozen, its late writes are refused by the fence.
"""

import time
from collections.abc import Callable

import structlog

from service.operations.context import Context
from service.operations.patrol import take_back
from service.storage import workers
from service.storage.workers import PRESENCE_SECONDS

QUIET_SECONDS = 2.5 * PRESENCE_SECONDS
"""without a beat, after which a worker of the same host is taken for dead"""

log = structlog.stdlib.get_logger("memspan.patrol")


class Inheritance:
    """Looked at again and again after the start of a process, until it says that it is done.

    Args:
        parent: whose workers are this process's own.
        host: the name of this host.
    """

    def __init__(self, context: Context, parent: str, host: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._context, self._parent, self._host, self._clock = context, parent, host, clock
        self._silent: dict[str, float] | None = None
        self._until = 0.0

    def look(self) -> bool:
        """Take back what workers held that have been silent since the first look; whether that is done."""
        with self._context.database.reading() as connection:
            beats = workers.beats_of_others(connection, self._host, self._parent)
        if self._silent is None:
            self._silent, self._until = beats, self._clock() + QUIET_SECONDS
        self._silent = {name: at for name, at in self._silent.items() if beats.get(name) == at}
        if self._silent and self._clock() < self._until:
            return False
        for name in sorted(self._silent):
            log.warning("worker_inherited", worker=name)
            take_back(self._context, name)
        return True
