"""Deleting: an experiment is gone for all who ask at once; its rows go behind that, in short units of work.

The mark on it says what is to be done, so nothing is lost should a process die between two: the patrol goes on.
"""

import time

import structlog

from service.operations import ids
from service.operations.context import Context
from service.storage import deletion

FIRST = 50
"""runs that go in the first unit of work; then as many as take about ``SHORT`` to ``LONG`` seconds"""
MOST = 2_000
SHORT, LONG = 0.05, 0.2
PAUSE_SECONDS = 0.01
"""between two units of work: others write to the database too"""
ROUND_SECONDS = 5.0
"""that one round of the patrol removes what was deleted"""

log = structlog.stdlib.get_logger("memspan.experiments")


def remove(context: Context, key: int, seconds: float) -> bool:
    """Remove the rows of an experiment that was deleted; whether none is left.

    Args:
        seconds: after which the rest is left to the patrol.
    """
    until, most = time.monotonic() + seconds, FIRST
    while True:
        begun = time.monotonic()
        with context.database.writing() as connection:
            more = deletion.remove_some(connection, key, most)
        if not more:
            return True
        took = time.monotonic() - begun
        most = adapted(most, took)
        if time.monotonic() + PAUSE_SECONDS > until:
            return False
        time.sleep(PAUSE_SECONDS)


def adapted(most: int, took: float) -> int:
    """How many runs the next unit of work removes, when the last one with at most ``most`` took so many seconds."""
    if took > LONG:
        return max(1, most // 2)
    return min(MOST, 2 * most) if took < SHORT else most


def remove_leftovers(context: Context, seconds: float = ROUND_SECONDS) -> None:
    """Go on with what was deleted and is not gone yet, the oldest first."""
    until = time.monotonic() + seconds
    with context.database.reading() as connection:
        left = deletion.marked(connection)
    for key in left:
        if not remove(context, key, until - time.monotonic()):
            return
        log.info("experiment_removed", experiment=ids.public(ids.EXPERIMENT, key))
