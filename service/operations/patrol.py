"""The patrol: brings back what was lost and rings for what waits. Any process may walk it, one at a time does."""

import os
import socket

import structlog

from service.counts import Counted
from service.operations import counting
from service.operations.after_runs import follow_up
from service.operations.context import Context
from service.operations.progress import TIME_IS_UP, over_time
from service.operations.specs import grid_of
from service.storage import contents, experiments, final_states, leases, lost_leases, paces, space, workers
from service.storage.database import Connection
from service.storage.lost_leases import LostLeases

MOST_LOSSES = 3
"""leases lost in a row, without a slice stored between, after which a run has failed"""
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
    _expire(context)
    _end_over_time(context)
    _end_finished(context)
    with context.database.writing() as connection:
        workers.forget_silent(connection, max(SILENT_SECONDS, 3 * context.settings.lease_seconds))
        paces.forget(connection, PACE_SECONDS)
        contents.drop_abandoned(connection)
        space.give_back(connection)
        queues = leases.waiting_queues(connection)
    for queue in queues:
        context.bell.ring(queue)
    return True


def _expire(context: Context) -> None:
    """Requeue what lost its lease."""
    with context.database.reading() as connection:
        lapsed = lost_leases.lapsed(connection)
    for experiment in lapsed:
        with context.database.writing() as connection:
            experiments.lock(connection, experiment)
            _after_lost_leases(connection, experiment, lost_leases.lose_lapsed(connection, experiment, MOST_LOSSES))


def _after_lost_leases(connection: Connection, experiment: int, lost: LostLeases) -> None:
    """See what follows for an experiment of which rows were lost."""
    for each in lost.each:
        if each.back or each.failed:
            log.warning("lease_lost", what=each.what, experiment=experiment, back=each.back, failed=each.failed)
    _cancel_requeued(connection, experiment)
    follow_up(connection, experiment, lost.conditions)


def _cancel_requeued(connection: Connection, experiment: int) -> None:
    """What came back into the queue of a cancelled experiment is cancelled too."""
    row = experiments.get(connection, experiment)
    if row is not None and row.cancelled_at is not None:
        final_states.cancel_waiting(connection, experiment)


def _end_over_time(context: Context) -> None:
    """Fail what still waits of experiments that used up their time; what runs is told at its next report."""
    with context.database.reading() as connection:
        late = [row.key for row in experiments.active(connection) if over_time(connection, row)]
    for key in late:
        with context.database.writing() as connection:
            experiments.lock(connection, key)
            ended = final_states.time_out(connection, key, TIME_IS_UP)
            follow_up(connection, key, ended)


def _end_finished(context: Context) -> None:
    """End experiments in which nothing is left to do, should a process have died between two steps."""
    with context.database.reading() as connection:
        done = [row.key for row in experiments.active(connection) if not experiments.open_runs(connection, row.key)]
    for key in done:
        with context.database.writing() as connection:
            row = experiments.lock(connection, key)
            if row is not None:
                follow_up(connection, key, range(len(grid_of(row))))


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
    with context.database.reading() as connection:
        held = lost_leases.held_by(connection, worker)
    for experiment in held:
        with context.database.writing() as connection:
            experiments.lock(connection, experiment)
            _after_lost_leases(
                connection, experiment, lost_leases.lose_held_by(connection, experiment, MOST_LOSSES, worker)
            )
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
