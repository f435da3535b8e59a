"""The patrol: brings back what was lost and rings for what waits. Any process may walk it, one at a time does."""

import os
import socket

import structlog

from service.counts import Counted
from service.operations import counting, retention
from service.operations.after_runs import end_locked, follow_again
from service.operations.context import Context
from service.operations.deleting import remove_leftovers
from service.operations.lost_work import take_back_lapsed, take_back_of
from service.operations.progress import over_time
from service.operations.setting_aside import rest, stop_waiting, wake
from service.operations.telling import tell_leftovers
from service.queue_names import Queue
from service.storage import contents, experiments, leases, paces, space, tallies, usage, workers
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.states import CLAIMABLE, OPEN, ExperimentState

PACE_SECONDS = 30 * 86_400.0
"""after which a machine's pace is forgotten"""
SILENT_SECONDS = 120
"""a worker that has not beaten for so long is forgotten"""

log = structlog.stdlib.get_logger("memspan.patrol")


def walk(context: Context, owner: str) -> bool:
    """One round, if nobody else walks at present; whether it was walked. What was counted is handed in by everybody."""
    counting.hand_in(context, owner)
    with context.database.writing() as connection:
        if not workers.lead(connection, "patrol", owner, seconds=context.settings.lease_seconds):
            return False
    take_back_lapsed(context)
    _see_to_active(context)
    tell_leftovers(context)
    retention.carry_out(context)
    remove_leftovers(context)
    with context.database.writing() as connection:
        workers.forget_silent(connection, max(SILENT_SECONDS, 3 * context.settings.lease_seconds))
        paces.forget(connection, PACE_SECONDS)
        usage.forget(connection)
        contents.drop_abandoned(connection)
        space.give_back(connection)
        queues = leases.waiting_queues(connection)
    for queue in queues:
        context.bell.ring(queue)
    return True


def _see_to_active(context: Context) -> None:
    """What the states of experiments ask for and no process has done, should one have died between two steps."""
    with context.database.reading() as connection:
        active = experiments.active(connection)
        counted = tallies.of_experiments(connection, [row.key for row in active])
        late = {row.key for row in active if over_time(connection, row)}
        aside = experiments.with_stacks_aside(connection)
    for row in active:
        if row.cancelled_at is not None or row.key in late:
            stop_waiting(context, row.key)
        elif row.state is ExperimentState.PAUSED:
            rest(context, row.key)
        elif row.key in aside and row.state in CLAIMABLE:
            wake(context, row.key)
        if not counted[row.key].open:
            _end_finished(context, row)


def _end_finished(context: Context, row: ExperimentRecord) -> None:
    """End an experiment in which nothing is left to do, once all has followed that should."""
    queues = set[Queue]()
    with context.database.writing() as connection:
        locked = experiments.lock(connection, row.key)
        if locked is not None and not _probes_wait(connection, row.key):
            queues = follow_again(connection, locked)
            end_locked(connection, locked)
    for queue in queues:
        context.bell.ring(queue)


def _probes_wait(connection: Connection, key: int) -> bool:
    counts = experiments.required_probe_counts(connection, key)
    return any(counts.get(state) for state in OPEN)


def reap(context: Context, parent: str) -> list[str]:
    """Take back at once what dead child processes of ``parent`` held; the names of the dead."""
    with context.database.reading() as connection:
        children = [row for row in workers.children(connection, parent) if row.host == socket.gethostname()]
    dead = [row.name for row in children if not _lives(row.pid)]
    context.database.counts.add(Counted.WORKERS_DIED, amount=len(dead))
    for name in dead:
        take_back(context, name)
    return dead


def take_back(context: Context, worker: str) -> None:
    """Take back what a dead worker held, and forget it."""
    take_back_of(context, worker)
    with context.database.writing() as connection:
        workers.leave(connection, worker)
        queues = leases.waiting_queues(connection)
    for queue in queues:
        context.bell.ring(queue)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
