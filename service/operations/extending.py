"""Extending: an experiment that has ended is asked for more, to the numbers of one that had asked for all at once."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Self

import structlog

from memspan.experiment.flaws import flaws
from memspan.experiment.memory_need import memory_flaws
from memspan.experiment.placements import Placements
from memspan.experiment.rounds import Allocation
from memspan.experiment.series import is_search, is_tuned
from memspan.experiment.spec import ExperimentSpec
from service.errors import Conflict, FieldError, Unprocessable
from service.operations import audit, going_on, ids, quotas, room, worker_memory
from service.operations.action import Action
from service.operations.after_runs import end_locked, is_followed
from service.operations.caller import ANYBODY, Caller
from service.operations.context import Context
from service.operations.experiments import ExperimentView, found, locked, own, view_of
from service.operations.extension import Extended, Extension
from service.operations.going_on import Again
from service.operations.queueing import Queued, probe_seconds, queued, store
from service.operations.quotas import Demand
from service.operations.remaining_time import fleet_now
from service.operations.specs import spec_of
from service.operations.submission import demand_of, no_gpu
from service.operations.tested import tested_of
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
        Conflict: it is active or cancelled, a length search, part of a study, or was tuned by as many epochs as it had.
        Unprocessable: all together are more than a limit allows.
    """
    with context.database.reading() as connection:
        before = found(connection, key)
    caller.require_owner(before.owner, f"experiment {ids.public(ids.EXPERIMENT, key)}")
    _require_extensible(before, asked)
    spec = asked.of(spec_of(before))
    _require_allowed(context, before, asked, spec)
    kind: type[MoreRepeats | MoreEpochs] = MoreRepeats if asked.name == "repeats" else MoreEpochs
    with context.database.reading() as connection:  # made before anybody has to wait for it
        more = kind.of(connection, before, spec)
    with context.database.writing() as connection:
        row = own(connection, key, caller)
        _require_extensible(row, asked)
        if row.spec != before.spec:
            raise Conflict("The experiment was extended by another request meanwhile; look at it, and ask again.")
        room.require(context)
        if row != before:  # somebody changed it since it was looked at
            more = kind.of(connection, row, spec)
        done = more.store(connection, row, spec, caller)
        audit.note(connection, caller, Action.EXTEND_EXPERIMENT, ids.public(ids.EXPERIMENT, key), 202, _words(asked))
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


def _require_extensible(row: ExperimentRecord, asked: Extension) -> None:
    """Conflict where more would not give what asking for all at once had given."""
    going_on.require_ended(row, "be extended")
    if row.origin is not None:
        raise Conflict("The experiment holds a model that was made elsewhere: nothing of it is trained here.")
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
    if asked.name == "epochs" and is_tuned(spec_of(row)):
        raise Conflict(
            "The experiment has chosen its settings by runs of as many epochs as it had; by more others may be best. "
            "Submit its spec anew with all that you want."
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


@dataclass(frozen=True)
class MoreRepeats:
    """The runs of new repeats, placed as if they had been asked for at once with the others.

    Attributes:
        before: repeats that there were.
    """

    before: int
    rows: Sequence[Queued]
    demand: Demand
    probe_seconds: float

    @classmethod
    def of(cls, connection: Connection, row: ExperimentRecord, spec: ExperimentSpec) -> Self:
        """What ``spec`` asks for beyond what an experiment has."""
        going_on.require_weights(row, spec)
        before = spec_of(row).repeats
        placements = Placements(spec, reopening.on_gpu(connection, row.key))
        positions = sorted(tested_of(connection, row)) if is_tuned(spec) else range(len(placements))
        added = [Allocation(position, range(before, spec.repeats)) for position in positions]
        rows = queued(placements, added)
        seconds = sum(each.stack.seconds for each in rows)
        demand = replace(demand_of(placements, added), core_seconds=seconds)
        return cls(before, rows, demand, probe_seconds(placements, added))

    def store(self, connection: Connection, row: ExperimentRecord, spec: ExperimentSpec, caller: Caller) -> Extended:
        """Queue them."""
        quotas.take(connection, caller, self.demand)
        reopening.drop_answers(connection, row.key)
        store(connection, row.key, spec.priority, self.rows, is_followed(spec))
        count = sum(each.stack.runs for each in self.rows)
        experiments.grow(connection, row.key, count, self.probe_seconds)
        return Extended("repeats", self.before, spec.repeats, added=count)


@dataclass(frozen=True)
class MoreEpochs:
    """The runs that have succeeded, for more epochs; those that failed stay as they are.

    Attributes:
        before: epochs that there were.
        because: why they begin again; None where they go on.
    """

    before: int
    again: Sequence[Again]
    because: str | None

    @classmethod
    def of(cls, connection: Connection, row: ExperimentRecord, spec: ExperimentSpec) -> Self:
        """What ``spec`` asks for beyond what an experiment has."""
        before = spec_of(row).training.most_epochs
        because = _anew_because(row, spec)
        if because is None:
            going_on.require_weights(row, spec)
        ended = reopening.ended_runs(connection, row.key, Which.TRAINED)
        placements = Placements(spec, reopening.on_gpu(connection, row.key))
        return cls(before, going_on.as_placed(placements, ended, 0 if because else before), because)

    def store(self, connection: Connection, row: ExperimentRecord, spec: ExperimentSpec, caller: Caller) -> Extended:
        """Queue them."""
        epochs = spec.training.most_epochs
        quotas.take(connection, caller, replace(going_on.demand(self.again), stored_bytes=0))
        going_on.queue(connection, row, spec, Which.TRAINED, self.again)
        tallies.add(connection, row.key, changes := reopening.skip_diverged(connection, row.key, epochs))
        skipped = round(sum(each.epochs for each in changes) / (epochs - self.before))
        count = sum(len(each.runs) for each in self.again)
        told = Extended("epochs", self.before, epochs, unchanged=skipped, because=self.because)
        return replace(told, resumed=count) if self.because is None else replace(told, anew=count)


def _anew_because(row: ExperimentRecord, spec: ExperimentSpec) -> str | None:
    """Why runs can't go on from their stored weights to the numbers of one go; None where they can."""
    optimizer, schedule = spec.training.optimizer, spec.training.schedule
    if schedule is not None and schedule.is_of_the_whole:
        return f"The schedule {schedule.kind} with warm_up {schedule.warm_up:g} is made of all steps that there are."
    if remembered := optimizer.slots():
        return (
            f"The optimiser {optimizer.kind} remembers more than the weights ({', '.join(remembered)}), "
            "which is not kept once a run has ended."
        )
    if spec.training.until_converged:
        return "Each run is trained until it has converged: where it stood by that rule is not kept once it has ended."
    return None if row.kept is None else f"Retention has left nothing but the {row.kept} of its weights."
