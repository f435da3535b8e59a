"""Patience: a database that is away for a while delays work and loses none."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from service.storage.database_errors import AWAY, DriverError, is_full

Answer = TypeVar("Answer")
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
LAST_TRIES = 5
"""tries of a process that is asked to stop: some three seconds"""
CONFLICTS = 5
"""times that a unit of work is tried again when another's got in between"""

log = structlog.stdlib.get_logger("memspan.worker")


class LeftUndone(Exception):
    """The process is asked to stop while the database is away: what it holds comes back when its lease ends."""


def never() -> bool:
    return False


def patiently(
    work: Callable[[], Answer],
    leaving: Callable[[], bool] = never,
    pause: Callable[[float], None] = time.sleep,
) -> Answer:
    """Do a unit of work, again and again while the database is away, locked or full.

    Being whole or nothing, a unit that failed may simply be done again; what was lost to somebody else meanwhile is
    caught by its fence.

    Raises:
        LeftUndone: the process is ``leaving`` and the database has been away for a few tries.
    """
    seconds, conflicts, tries = FIRST_PAUSE_SECONDS, 0, 0
    while True:
        try:
            return work()
        except AWAY as error:
            event = "disk_full" if is_full(error) else "database_away"
            log.warning(event, error=str(error.orig), again_in_seconds=seconds)
        except DriverError as error:
            conflicts += 1
            if conflicts > CONFLICTS:
                raise
            log.warning("unit_of_work_failed", error=str(error.orig), tries=conflicts)
        tries += 1
        if tries >= LAST_TRIES and leaving():
            raise LeftUndone(f"left undone after {tries} tries")
        pause(seconds)
        seconds = min(2 * seconds, LONGEST_PAUSE_SECONDS)
