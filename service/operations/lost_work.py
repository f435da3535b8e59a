"""Lost work: what follows when a worker is gone with what it held."""

import structlog

from service.operations import ids
from service.operations.after_runs import end_if_done, end_locked, settle
from service.operations.context import Context
from service.operations.specs import spec_of
from service.queue_names import Queue
from service.storage import experiments, final_states, lost_leases, tallies
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.lost_leases import LostStacks
from service.storage.stacks import StackRecord
from service.storage.states import Reason, RunState

MOST_LOSSES = 3
"""leases lost in a row, without a slice stored between, after which a run that was alone has failed"""

log = structlog.stdlib.get_logger("memspan.patrol")


def take_back_lapsed(context: Context) -> None:
    """Requeue what lost its lease."""
    with context.database.reading() as connection:
        lapsed, asked = lost_leases.lapsed(connection), lost_leases.experiments_of_lost_probes(connection)
    for lease in lapsed:
        _take_back(context, lease)
    for experiment in asked:
        _take_back_probes(context, experiment)


def take_back_of(context: Context, worker: str) -> None:
    """Requeue what a dead worker held."""
    with context.database.reading() as connection:
        held = lost_leases.held_by(connection, worker)
        asked = lost_leases.experiments_of_lost_probes(connection, worker)
    for lease in held:
        _take_back(context, lease, worker)
    for experiment in asked:
        _take_back_probes(context, experiment, worker)


def _take_back(context: Context, lease: str, worker: str | None = None) -> None:
    """Take back the stacks of one lease, and see what follows for their experiments."""
    rung = set[Queue]()
    with context.database.writing() as connection:
        lost = lost_leases.lose(connection, lease, MOST_LOSSES, worker)
        keys = sorted({stack.experiment_key for stack in (*lost.back, *lost.failing)})
        for key in keys:
            row = experiments.get(connection, key)
            if row is not None:
                rung |= _settled(connection, row, lost)
    for key in keys:
        end_if_done(context, key)
    for queue in rung:
        context.bell.ring(queue)


def _settled(connection: Connection, row: ExperimentRecord, lost: LostStacks) -> set[Queue]:
    """Count what came back of an experiment and end what failed; what came back to a cancelled one is cancelled."""
    back, failing = (_of(row.key, stacks) for stacks in (lost.back, lost.failing))
    named = ids.public(ids.EXPERIMENT, row.key)
    log.warning("lease_lost", what="stacks", experiment=named, back=len(back), failed=len(failing))
    again = [tallies.change(each, queued=each.runs, running=-each.runs) for each in back]
    epochs, queues = spec_of(row).training.most_epochs, set[Queue]()
    if failing:
        detail = lost_leases.lost_too_often(MOST_LOSSES)
        ended = final_states.end(connection, failing, RunState.FAILED, epochs, Reason.WORKER_LOST, detail)
        queues |= settle(connection, ended)
    if row.cancelled_at is not None and back:
        queues |= settle(connection, final_states.end(connection, back, RunState.CANCELLED, epochs))
    tallies.add(connection, row.key, again)
    return queues


def _of(experiment: int, stacks: tuple[StackRecord, ...]) -> list[StackRecord]:
    return [stack for stack in stacks if stack.experiment_key == experiment]


def _take_back_probes(context: Context, experiment: int, worker: str | None = None) -> None:
    with context.database.writing() as connection:
        row = experiments.lock(connection, experiment)
        lost = lost_leases.lose_probes(connection, experiment, MOST_LOSSES, worker)
        named = ids.public(ids.EXPERIMENT, experiment)
        log.warning("lease_lost", what="probes", experiment=named, back=lost.back, failed=lost.failed)
        if row is not None and row.cancelled_at is not None:
            final_states.cancel_probes(connection, experiment)
        if row is not None:
            end_locked(connection, row)
