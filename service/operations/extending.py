"""Extending: an experiment that has ended is asked for more, to the numbers of one that had asked for all at once."""

from dataclasses import asdict, replace

import structlog

from memspan.experiment.grid import flaws
from memspan.experiment.memory_need import memory_flaws
from memspan.experiment.placements import Placements
from memspan.experiment.rounds import Allocation
from memspan.experiment.series import is_search
from memspan.experiment.spec import ExperimentSpec
from service.errors import Conflict, FieldError, Unprocessable
from service.operations import audit, going_on, ids, quotas, room, worker_memory
from service.operations.after_runs import end_locked, is_followed
from service.operations.caller import ANYBODY, Caller
from service.operations.context import Context
from service.operations.experiments import ExperimentView, found, locked, own, view_of
from service.operations.extension import Extended, Extension
from service.operations.queueing import probe_seconds, queued, store
from service.operations.remaining_time import fleet_now
from service.operations.specs import spec_of
from service.operations.submission import demand_of, no_gpu
from service.queue_names import TRAINING
from service.storage import events, experiments, reopening, tallies
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.reopening import Which
from service.storage.states import ExperimentState

log = structlog.stdlib.get_logger("memspan.experiments")


def extend(context: Context, key: int, asked: Extension, caller: Caller = ANYBODY) -> tuple[ExperimentView, Extended]:
    """Add repeats, or epochs, to an experiment that has ended, in one unit of work.

    Its spec then asks for all of them. Answers over repeats are asked again when the runs have ended.

    Raises:
        Conflict: it is active or cancelled, a length search, or part of a study.
        Unprocessable: all together are more than a limit allows.
    """
    with context.database.reading() as connection:
        before = found(connection, key)
    caller.require_owner(before.owner, f"experiment {ids.public(ids.EXPERIMENT, key)}")
    _require_extensible(before)
    spec = asked.of(spec_of(before))
    _require_allowed(context, before, asked, spec)
    with context.database.writing() as connection:
        row = own(connection, key, caller)
        _require_extensible(row)
        if row.spec != before.spec:
            raise Conflict("The experiment was extended by another request meanwhile; look at it, and ask again.")
        room.require(context)
        change = _more_repeats if asked.name == "repeats" else _more_epochs
        done = change(connection, row, spec, caller)
        audit.note(connection, caller, "extend_experiment", ids.public(ids.EXPERIMENT, key), 202, _words(asked))
        waits = done.added + done.resumed + done.anew > 0
        state = reopening.reopen(connection, key, waits, spec.model_dump(mode="json"))
        events.append(connection, key, ("extension", asdict(done)), ("state", {"state": state}))
        end_locked(connection, locked(connection, key))
        view = view_of(connection, key)
    log.info("experiment_extended", experiment=ids.public(ids.EXPERIMENT, key), **asdict(done))
    for queue in TRAINING:
        context.bell.ring(queue)
    return view, done


def _words(asked: Extension) -> str:
    return f"{asked.more} {asked.name}"


def _require_extensible(row: ExperimentRecord) -> None:
    """Conflict where more would not give what asking for all at once had given."""
    going_on.require_ended(row, "be extended")
    if row.state is ExperimentState.CANCELLED:
        raise Conflict("The experiment was cancelled: retry it first, or submit its spec anew with all that you want.")
    if row.study is not None:
        raise Conflict(
            f"The experiment is part of the study {row.study}, whose claims are about what it asks for; submit its "
            "spec as an experiment of its own, with all that you want."
        )
    if is_search(spec_of(row)):
        raise Conflict(
            "The experiment searches for lengths: which ones it asks for depends on repeats and epochs. Submit its "
            "spec anew with all that you want."
        )


def _require_allowed(context: Context, row: ExperimentRecord, asked: Extension, spec: ExperimentSpec) -> None:
    """Unprocessable where all together are too much; a GPU that is asked for must be there."""
    limits, total = context.settings.limits, asked.size(spec)
    most = getattr(limits, asked.name)
    if total > most:
        message = f"The experiment has {asked.size(spec_of(row))} {asked.name}; {asked.more} more are {total}."
        raise _too_much(asked, "out_of_range", f"{message} At most {most} are allowed.")
    found_flaws = flaws(spec, limits) or memory_flaws(spec, worker_memory.room(context))
    if found_flaws:
        raise _too_much(asked, found_flaws[0].code, found_flaws[0].message)
    if spec.device == "gpu" and not fleet_now(context).gpu_workers:
        raise no_gpu()


def _too_much(asked: Extension, code: str, message: str) -> Unprocessable:
    return Unprocessable(message, errors=[FieldError(f"#/{asked.name}", code, message, asked.more)])


def _more_repeats(connection: Connection, row: ExperimentRecord, spec: ExperimentSpec, caller: Caller) -> Extended:
    """Queue the runs of new repeats, placed as if they had been asked for at once with the others."""
    going_on.require_weights(row, spec)
    before = spec_of(row).repeats
    placements = Placements(spec, reopening.on_gpu(connection, row.key))
    added = [Allocation(position, range(before, spec.repeats)) for position in range(len(placements))]
    rows = queued(placements, added)
    count = sum(each.stack.runs for each in rows)
    demand = replace(demand_of(placements, added), core_seconds=sum(each.stack.seconds for each in rows))
    quotas.take(connection, caller, demand)
    reopening.drop_answers(connection, row.key)
    store(connection, row.key, spec.priority, rows, is_followed(spec))
    experiments.grow(connection, row.key, count, probe_seconds(placements, added))
    return Extended("repeats", before, spec.repeats, added=count)


def _more_epochs(connection: Connection, row: ExperimentRecord, spec: ExperimentSpec, caller: Caller) -> Extended:
    """Queue the runs that have succeeded for more epochs; those that failed stay as they are."""
    before = spec_of(row).training.epochs
    because = _anew_because(row, spec)
    if because is None:
        going_on.require_weights(row, spec)
    ended = reopening.ended_runs(connection, row.key, Which.TRAINED)
    placements = Placements(spec, reopening.on_gpu(connection, row.key))
    again = going_on.as_placed(placements, ended, 0 if because else before)
    quotas.take(connection, caller, replace(going_on.demand(again), stored_bytes=0))
    going_on.queue(connection, row, spec, Which.TRAINED, again)
    tallies.add(connection, row.key, changes := reopening.skip_diverged(connection, row.key, spec.training.epochs))
    skipped = round(sum(each.epochs for each in changes) / (spec.training.epochs - before))
    if because:
        return Extended("epochs", before, spec.training.epochs, anew=len(ended), unchanged=skipped, because=because)
    return Extended("epochs", before, spec.training.epochs, resumed=len(ended), unchanged=skipped)


def _anew_because(row: ExperimentRecord, spec: ExperimentSpec) -> str | None:
    """Why runs can't go on from their stored weights to the numbers of one go; None where they can."""
    optimizer = spec.training.optimizer
    if remembered := optimizer.slots():
        return (
            f"The optimiser {optimizer.kind} remembers more than the weights ({', '.join(remembered)}), "
            "which is not kept once a run has ended."
        )
    return None if row.kept is None else f"Retention has left nothing but the {row.kept} of its weights."
