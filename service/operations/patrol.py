"""The patrol: brings back what was lost and rings for what waits. Any process may walk it, one at a time does."""

import os
import socket
from typing import Any

import structlog
from sqlalchemy import Connection, Table, select

from service.operations.completion import cancel_waiting, follow_up
from service.operations.context import Context
from service.operations.progress import over_time
from service.operations.specs import StoredSpec, grid
from service.storage import experiments, leases, snapshots, workers
from service.storage.clock import now
from service.storage.moving import move
from service.storage.states import Reason, RunState
from service.storage.tables import probes as probes_table
from service.storage.tables import runs as runs_table

MOST_LOSSES = 3
"""leases lost in a row, without a slice stored between, after which a run has failed"""
SILENT_SECONDS = 120
"""a worker that has not beaten for so long is forgotten"""

log = structlog.stdlib.get_logger("memspan.patrol")


def walk(context: Context, owner: str) -> bool:
    """One round, if nobody else walks at present; whether it was walked."""
    with context.database.writing() as connection:
        if not workers.lead(connection, "patrol", owner, seconds=context.settings.lease_seconds):
            return False
    _expire(context)
    _end_over_time(context)
    _settle_stragglers(context)
    with context.database.writing() as connection:
        workers.forget_silent(connection, max(SILENT_SECONDS, 3 * context.settings.lease_seconds))
        queues = leases.waiting_queues(connection)
    for queue in queues:
        context.bell.ring(queue)
    return True


def _expire(context: Context) -> None:
    """Requeue what lost its lease."""
    with context.database.reading() as connection:
        if not leases.waiting_or_lapsed(connection):
            return
        lapsed = {key for table in (runs_table, probes_table) for key in _experiments_of(connection, table)}
    for experiment in lapsed:
        _lose(context, experiment, lambda table: leases.expired(table))


def _experiments_of(connection: Connection, table: Table) -> list[int]:
    statement = select(table.c.experiment_key).where(leases.expired(table)).distinct()
    return list(connection.execute(statement).scalars())


def _lose(context: Context, experiment: int, where: Any) -> None:
    """Requeue or fail the rows of one experiment that ``where(table)`` names as lost."""
    with context.database.writing() as connection:
        experiments.lock(connection, experiment)
        ended: set[int] = set()
        for table in (runs_table, probes_table):
            mine = (table.c.experiment_key == experiment, where(table))
            requeued, failed = leases.lose(connection, table, MOST_LOSSES, *mine)
            if requeued or failed:
                log.warning(
                    "lease_lost", what=table.name, experiment=experiment, back=len(requeued), failed=len(failed)
                )
            if failed and table is runs_table:
                snapshots.drop(connection, failed)
                conditions = select(runs_table.c.condition).where(runs_table.c.key.in_(failed))
                ended |= set(connection.execute(conditions).scalars())
        _cancel_requeued(connection, experiment)
        follow_up(connection, experiment, ended)


def _cancel_requeued(connection: Connection, experiment: int) -> None:
    """What came back into the queue of a cancelled experiment is cancelled too."""
    row = experiments.get(connection, experiment)
    if row is not None and row.cancelled_at is not None:
        cancel_waiting(connection, experiment)


def _end_over_time(context: Context) -> None:
    """Fail what still waits of experiments that used up their time; what runs is told at its next report."""
    with context.database.reading() as connection:
        late = [row.key for row in experiments.active(connection) if over_time(connection, row)]
    for key in late:
        with context.database.writing() as connection:
            experiments.lock(connection, key)
            waiting = (runs_table.c.experiment_key == key, runs_table.c.state == RunState.QUEUED)
            ended = set(connection.execute(select(runs_table.c.condition).where(*waiting).distinct()).scalars())
            detail = "The experiment used up its limits.max_seconds."
            values = {"reason": Reason.TIMEOUT, "detail": detail, "finished_at": now()}
            move(connection, runs_table, RunState.FAILED, *waiting, values=values)
            follow_up(connection, key, ended)


def _settle_stragglers(context: Context) -> None:
    """End experiments in which nothing is left to do, should a process have died between two steps."""
    with context.database.reading() as connection:
        done = [row.key for row in experiments.active(connection) if not experiments.open_runs(connection, row.key)]
    for key in done:
        with context.database.writing() as connection:
            row = experiments.lock(connection, key)
            if row is not None:
                follow_up(connection, key, range(len(grid(StoredSpec(key, row.spec)))))


def reap(context: Context, parent: str) -> list[str]:
    """Take back at once what dead child processes of ``parent`` held; the names of the dead."""
    with context.database.reading() as connection:
        children = [row for row in workers.children(connection, parent) if row.host == socket.gethostname()]
    dead = [row.name for row in children if not _lives(row.pid)]
    for name in dead:
        bury(context, name)
    return dead


def bury(context: Context, worker: str) -> None:
    """Take back what a dead worker held, and forget it."""
    with context.database.reading() as connection:
        held = {
            key
            for table in (runs_table, probes_table)
            for key in connection.execute(
                select(table.c.experiment_key).where(table.c.worker == worker, table.c.state == RunState.RUNNING)
            ).scalars()
        }
    for experiment in held:
        _lose(context, experiment, lambda table: table.c.worker == worker)
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
