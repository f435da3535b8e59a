"""Retrying: what failed in an experiment that has ended, or was cancelled with it, is tried once more."""

from collections.abc import Sequence

import structlog

from memspan.experiment.placements import Placements
from memspan.experiment.series import grows, is_tuned
from memspan.experiment.spec import ExperimentSpec
from service.errors import Conflict
from service.operations import audit, going_on, ids, quotas, room, rounds
from service.operations.action import Action
from service.operations.after_runs import end_locked, follow_some
from service.operations.caller import ANYBODY, Caller
from service.operations.context import Context
from service.operations.experiments import ExperimentView, found, locked, own, view_of
from service.operations.going_on import Again
from service.operations.specs import grid_of, spec_of
from service.queue_names import TRAINING, Queue
from service.storage import events, reopening
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.reopening import EndedRun, Which

log = structlog.stdlib.get_logger("memspan.experiments")


def retry(context: Context, key: int, caller: Caller = ANYBODY) -> ExperimentView:
    """Queue the failed and the cancelled runs of an experiment again, from their beginning, in one unit of work.

    A run's numbers are what they would have been the first time. Probes of its spec that failed are asked again, and
    those over repeats of a condition in which a run goes on.

    Raises:
        Conflict: it is active, or everything has succeeded.
    """
    before, again = _looked(context, key, caller)
    with context.database.writing() as connection:
        row = own(connection, key, caller)
        going_on.require_ended(row, "be retried")
        spec = spec_of(row)
        if row != before:  # somebody changed it since it was looked at
            again = _again(row, reopening.ended_runs(connection, key, Which.BADLY_ENDED))
        waits = bool(again) or rounds.is_waiting(connection, row)
        if not waits and not _unanswered(connection, row, spec):
            raise Conflict("All runs of the experiment have succeeded and its probes are answered: nothing to retry.")
        going_on.require_weights(row, spec)
        room.require(context)
        count = sum(len(each.runs) for each in again)
        quotas.take(connection, caller, going_on.demand(again))
        audit.note(connection, caller, Action.RETRY_EXPERIMENT, ids.public(ids.EXPERIMENT, key), 202)
        going_on.queue(connection, row, spec, Which.BADLY_ENDED, again)
        asked = reopening.ask_required_again(connection, key)
        state = reopening.reopen(connection, key, waits)
        events.append(connection, key, ("retry", {"runs": count, "probes": asked}), ("state", {"state": state}))
        _go_on(connection, key, spec)
        view = view_of(connection, key)
    log.info("experiment_retried", experiment=ids.public(ids.EXPERIMENT, key), runs=count)
    for queue in (*TRAINING, Queue.PROBE):
        context.bell.ring(queue)
    return view


def _looked(context: Context, key: int, caller: Caller) -> tuple[ExperimentRecord, list[Again]]:
    """An experiment that may be retried, and the stacks of what goes on: made before anybody has to wait for it."""
    with context.database.reading() as connection:
        row = found(connection, key)
        caller.require_owner(row.owner, f"experiment {ids.public(ids.EXPERIMENT, key)}")
        going_on.require_ended(row, "be retried")
        ended = reopening.ended_runs(connection, key, Which.BADLY_ENDED)
    return row, _again(row, ended)


def _again(row: ExperimentRecord, ended: Sequence[EndedRun]) -> list[Again]:
    return going_on.as_they_were(Placements(spec_of(row)), ended)


def _unanswered(connection: Connection, row: ExperimentRecord, spec: ExperimentSpec) -> bool:
    """Whether probes of an experiment's own spec have no answer."""
    if not spec.probes:
        return False
    return reopening.badly_answered(connection, row.key) or bool(_unasked(connection, row, spec))


def _unasked(connection: Connection, row: ExperimentRecord, spec: ExperimentSpec) -> list[int]:
    """The conditions that results are about of which not all probes of the spec were asked."""
    grid = grid_of(row)
    return [each for each in reopening.unasked(connection, row.key, len(spec.probes)) if grid[each].is_reported]


def _go_on(connection: Connection, key: int, spec: ExperimentSpec) -> None:
    """Queue what follows conditions that have no open runs, should a cancellation have come before it was."""
    row = locked(connection, key)
    if spec.probes or is_tuned(spec):
        positions = range(len(grid_of(row))) if grows(spec) else reopening.unasked(connection, key, len(spec.probes))
        follow_some(connection, row, positions)
    end_locked(connection, row)
