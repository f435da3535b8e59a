"""What a user does with experiments: submit, look, cancel, pause, resume, delete."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import structlog

from memspan.experiment.matching import matched
from memspan.experiment.spec import ExperimentSpec
from service.errors import Conflict, NotFound
from service.operations import audit, ids, room, task_data
from service.operations.action import Action
from service.operations.after_runs import end_locked
from service.operations.caller import ANYBODY, Caller
from service.operations.context import Context
from service.operations.deleting import remove
from service.operations.progress import counts_of, counts_of_many
from service.operations.remaining_time import fleet_now, remaining_seconds
from service.operations.setting_aside import rest, stop_waiting, wake
from service.operations.submission import insert, made_before, prepare
from service.queue_names import TRAINING
from service.storage import deletion, events, experiments, final_states
from service.storage.database import Connection
from service.storage.deletion import Freed
from service.storage.experiments import ExperimentRecord, Filter, KeyTaken
from service.storage.states import ACTIVE, CLAIMABLE, ExperimentState

log = structlog.stdlib.get_logger("memspan.experiments")
ANSWER_SECONDS = 0.5
"""that a request works at the rows of a large experiment; the patrol does the rest"""
COUNTING_SECONDS = 0.2
"""that a deletion counts what it frees"""
REMOVING_SECONDS = 0.2
"""that it works at the rows behind that"""


@dataclass(frozen=True)
class ExperimentView:
    """An experiment as it stands."""

    row: ExperimentRecord
    counts: dict[str, Any]
    eta_seconds: float | None = None


def submit(
    context: Context, spec: ExperimentSpec, idempotency_key: str | None = None, caller: Caller = ANYBODY
) -> ExperimentView:
    """Store an experiment with all its runs in one unit of work, then ring.

    A key that was used before names the experiment that it made: a request whose answer was lost makes no second one.
    """
    spec = matched(task_data.settled(context, spec), context.settings.limits).spec
    prepared = prepare(fleet_now(context), spec, idempotency_key, caller=caller)
    try:
        with context.database.writing() as connection:
            known = made_before(context, connection, spec, idempotency_key) if idempotency_key else None
            if known is None:
                room.require(context)
                task_data.require(connection, spec)
            key = known or insert(connection, prepared)
            if known is None:
                audit.note(connection, caller, Action.SUBMIT_EXPERIMENT, ids.public(ids.EXPERIMENT, key), 201)
            view = view_of(connection, key)
    except KeyTaken:
        return submit(context, spec, idempotency_key, caller)  # another request with the key was faster
    if known is None:
        log.info("experiment_submitted", experiment=ids.public(ids.EXPERIMENT, view.row.key), runs=view.row.runs)
    for queue in TRAINING:
        context.bell.ring(queue)
    return view


def look(context: Context, key: int) -> ExperimentView:
    """One experiment, or NotFound."""
    with context.database.reading() as connection:
        return view_of(connection, key)


def view_of(connection: Connection, key: int) -> ExperimentView:
    """One experiment inside a unit of work, or NotFound."""
    row = found(connection, key)
    return ExperimentView(row, counts_of(connection, row), remaining_seconds(connection, [row]))


def found(connection: Connection, key: int) -> ExperimentRecord:
    """The row of an experiment, or NotFound."""
    row = experiments.get(connection, key)
    if row is None:
        raise NotFound(f"There is no experiment {ids.public(ids.EXPERIMENT, key)}.")
    return row


def listing(context: Context, narrow: Filter, before: int | None, limit: int) -> Sequence[ExperimentView]:
    """Experiments, newest first."""
    with context.database.reading() as connection:
        rows = experiments.page(connection, narrow, before, limit)
        counts = counts_of_many(connection, rows)
        return [ExperimentView(row, counts[row.key]) for row in rows]


def cancel(context: Context, key: int, caller: Caller = ANYBODY) -> tuple[ExperimentView, bool]:
    """Stop an experiment: what waits is cancelled now, what runs within a slice.

    Returns:
        the experiment, and whether anything was left to do. Cancelling twice is once; a finished one is a Conflict.
    """
    with context.database.writing() as connection:
        row = own(connection, key, caller)
        if row.state == ExperimentState.CANCELLED or row.cancelled_at is not None:
            return view_of(connection, key), False
        if row.state not in ACTIVE:
            raise Conflict(f"The experiment is {row.state}: there is nothing left to cancel.")
        audit.note(connection, caller, Action.CANCEL_EXPERIMENT, ids.public(ids.EXPERIMENT, key), 202)
        experiments.ask_to_cancel(connection, key)
        final_states.cancel_probes(connection, key)
        end_locked(connection, experiments.lock(connection, key) or row)
    stop_waiting(context, key, seconds=ANSWER_SECONDS)
    with context.database.writing() as connection:
        view = view_of(connection, key)
        if cancelling(view.row):
            events.append(connection, key, ("state", {"state": view.row.state, "cancelling": True}))
        return view, True


def cancelling(row: ExperimentRecord) -> bool:
    """Whether an experiment was cancelled and workers still have to let go of its runs."""
    return row.cancelled_at is not None and row.state in ACTIVE


def membership(row: ExperimentRecord) -> dict[str, str] | None:
    """The study that an experiment serves, and its place in it."""
    place = row.place
    if place is None:
        return None
    group = ids.public(ids.GROUP, place.group or row.key)
    return {"kind": place.study, "scale": place.scale, "part": place.part, "group": group}


def locked(connection: Connection, key: int) -> ExperimentRecord:
    """The row of an experiment, kept from changing and from being deleted, or NotFound."""
    row = experiments.lock(connection, key)
    return row if row is not None else found(connection, key)


def own(connection: Connection, key: int, caller: Caller) -> ExperimentRecord:
    """The locked row of an experiment that the caller may change; NotFound, or Forbidden where it is another's."""
    row = locked(connection, key)
    caller.require_owner(row.owner, f"experiment {ids.public(ids.EXPERIMENT, key)}")
    return row


def pause(context: Context, key: int, caller: Caller = ANYBODY) -> tuple[ExperimentView, bool]:
    """Let an experiment rest: what runs goes back into its queue within a slice, with its state kept."""
    with context.database.writing() as connection:
        row = own(connection, key, caller)
        if row.state is ExperimentState.PAUSED:
            return view_of(connection, key), False
        if row.state not in CLAIMABLE or row.cancelled_at is not None:
            raise Conflict(f"The experiment is {row.state}: it can't pause.")
        audit.note(connection, caller, Action.PAUSE_EXPERIMENT, ids.public(ids.EXPERIMENT, key), 202)
        experiments.pause(connection, key)
        events.append(connection, key, ("state", {"state": ExperimentState.PAUSED}))
    rest(context, key, seconds=ANSWER_SECONDS)
    return look(context, key), True


def resume(context: Context, key: int, caller: Caller = ANYBODY) -> tuple[ExperimentView, bool]:
    """Let a paused experiment go on."""
    with context.database.writing() as connection:
        row = own(connection, key, caller)
        changed = row.state not in CLAIMABLE
        if changed:
            if row.state is not ExperimentState.PAUSED or row.cancelled_at is not None:
                raise Conflict(f"The experiment is {row.state}: it can't resume.")
            audit.note(connection, caller, Action.RESUME_EXPERIMENT, ids.public(ids.EXPERIMENT, key), 202)
            state = experiments.resume(connection, row)
            events.append(connection, key, ("state", {"state": state}))
    wake(context, key, seconds=ANSWER_SECONDS)
    for queue in TRAINING:
        context.bell.ring(queue)
    return look(context, key), changed


def delete(context: Context, key: int, dry_run: bool, caller: Caller = ANYBODY) -> Freed:
    """Delete a finished experiment and all that hangs on it; Conflict while it is active.

    It is gone at once; of a large one the patrol removes what a fifth of a second did not.

    Returns:
        what that frees. A rehearsal counts all of it; a deletion reckons what a fifth of a second did not count.
    """
    with context.database.reading() as connection:
        _deletable(found(connection, key), caller)
        freed = deletion.size(connection, key, inf if dry_run else COUNTING_SECONDS)
    if dry_run:
        return freed
    with context.database.writing() as connection:
        row = locked(connection, key)
        _deletable(row, caller)
        audit.note(connection, caller, Action.DELETE_EXPERIMENT, ids.public(ids.EXPERIMENT, key), 204, row.name)
        deletion.mark(connection, key)
    log.info("experiment_deleted", experiment=ids.public(ids.EXPERIMENT, key), rows=freed.rows, bytes=freed.bytes)
    remove(context, key, REMOVING_SECONDS)
    return freed


def _deletable(row: ExperimentRecord, caller: Caller) -> None:
    """Forbidden where it is another's, Conflict while it is active."""
    caller.require_owner(row.owner, f"experiment {ids.public(ids.EXPERIMENT, row.key)}")
    if row.state in ACTIVE:
        raise Conflict(f"The experiment is {row.state}. Cancel it first, or wait for its end.")
