"""Probes: asked by a user or by an experiment's spec, measured by a worker, kept for ever."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from memspan.engine.condition import Condition
from memspan.engine.placement import place
from memspan.experiment.probing import asked_seconds
from memspan.experiment.series import series_of
from memspan.interfaces.json_numbers import jsonable
from memspan.interfaces.probe import ProbeSpec
from memspan.interfaces.readings import Reading
from service.errors import Conflict, FieldError, NotFound, Unprocessable, WeightsDamaged
from service.operations import audit, ids, quotas, room
from service.operations.action import Action
from service.operations.after_runs import end_locked
from service.operations.caller import ANYBODY, Caller
from service.operations.checkpoints import damaged, data_of
from service.operations.claiming import holder
from service.operations.context import Context
from service.operations.experiments import locked
from service.operations.new_probes import of_checkpoint, of_condition
from service.operations.progress import TIME_IS_UP, over_time
from service.operations.quotas import Demand
from service.operations.specs import condition_of, grid_of, spec_of
from service.operations.tested import tested_of
from service.queue_names import Queue
from service.storage import checkpoints, events, experiments, final_states, leases, probes, runs
from service.storage.contents import Bytes, Damaged
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.probes import NewProbe, ProbeRecord
from service.storage.states import ACTIVE, Reason, RunState

Kind = Literal["best", "last"]


@dataclass(frozen=True)
class Where:
    """Which conditions of an experiment a probe is asked of; None = all."""

    tasks: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    lengths: tuple[int, ...] | None = None

    def document(self) -> dict[str, Any]:
        """As the client wrote it."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def holds(self, condition: Condition) -> bool:
        return (
            (self.tasks is None or condition.task.kind in self.tasks)
            and (self.models is None or condition.model.kind in self.models)
            and (self.lengths is None or condition.length in self.lengths)
        )


@dataclass(frozen=True)
class ClaimedProbe:
    """A probe under a lease, with the weights that it is asked of; ``damaged`` says why there are none."""

    lease: str
    key: int
    experiment: int
    spec: ProbeSpec
    condition: Condition
    weights: tuple[Bytes, ...]
    required: bool
    damaged: WeightsDamaged | None = None


@dataclass(frozen=True)
class Asker:
    """Who asks a probe, by which operation, of what: so many repeats of a condition."""

    caller: Caller
    action: Action
    object: str
    spec: ProbeSpec
    repeats: int

    def take(self, connection: Connection, conditions: Sequence[Condition]) -> None:
        """Note and charge that something was asked of conditions which has no answer yet, and will be computed."""
        audit.note(connection, self.caller, self.action, self.object, 202)
        if self.caller.name is not None:
            placed = [place(condition, "cpu") for condition in conditions]
            seconds = sum(asked_seconds(self.spec, each, self.repeats) for each in placed)
            quotas.take(connection, self.caller, Demand(core_seconds=seconds))


def ask_checkpoint(context: Context, key: int, spec: ProbeSpec, caller: Caller = ANYBODY) -> ProbeRecord:
    """Ask a probe of one checkpoint: the stored answer if it was asked before, else a queued row."""
    with context.database.writing() as connection:
        row = checkpoints.get(connection, key)
        if row is None or experiments.lock(connection, row.experiment_key) is None:
            raise NotFound(f"There is no checkpoint {ids.public(ids.CHECKPOINT, key)}.")
        condition = condition_of(row)
        check(spec, condition, pointer="#")
        asker = Asker(caller, Action.PROBE_CHECKPOINT, ids.public(ids.CHECKPOINT, key), spec, 1)
        answer = _asked(context, connection, [(of_checkpoint(row, spec), condition)], asker)[0]
    context.bell.ring(Queue.PROBE)
    return answer


def ask_experiment(
    context: Context, key: int, spec: ProbeSpec, where: Where, kind: Kind | None, caller: Caller = ANYBODY
) -> list[ProbeRecord]:
    """Ask a probe of all repeats of the chosen conditions; one row for each condition."""
    with context.database.writing() as connection:
        row = locked(connection, key)
        tested = tested_of(connection, row)
        chosen = [(i, condition) for i, condition in enumerate(grid_of(row)) if i in tested and where.holds(condition)]
        if not chosen:
            message = "No condition of the experiment matches where; see its tasks, models and lengths."
            raise Unprocessable(message, errors=[FieldError("#/where", "no_match", message, where.document())])
        for _, condition in chosen:
            check(spec, condition, pointer="#/probe")
        _all_ended(connection, row, chosen)
        weights = kind or spec_of(row).report.checkpoint
        new = [
            (of_condition(key, position, weights, spec, required=False), condition) for position, condition in chosen
        ]
        asker = Asker(caller, Action.PROBE_EXPERIMENT, ids.public(ids.EXPERIMENT, key), spec, spec_of(row).repeats)
        answers = _asked(context, connection, new, asker)
    context.bell.ring(Queue.PROBE)
    return answers


def _all_ended(connection: Connection, row: ExperimentRecord, chosen: Sequence[tuple[int, Condition]]) -> None:
    """A probe over repeats waits for all, those that may still follow too: its answer would change with each."""
    asked = series_of(spec_of(row), [position for position, _ in chosen])
    unfinished = [series for series in asked if runs.open_count(connection, row.key, series.positions)]
    for position, condition in chosen:
        where = f"{condition.task.kind}, {condition.model.kind}, length {condition.length}"
        if any(position in series.positions for series in unfinished):
            raise Conflict(f"The runs of {where} are not finished yet; ask again when they are, or choose others.")
        if not experiments.succeeded(connection, row.key, range(position, position + 1)):
            raise Conflict(f"No run of {where} succeeded, so there is no model to ask.")


def check(spec: ProbeSpec, condition: Condition, pointer: str) -> None:
    """Unprocessable when a probe's steps lie outside the sequence, or it does not apply to the task."""
    steps = condition.signature.length
    inside = f"-{steps} to {steps - 1}"
    errors = [
        FieldError(
            f"{pointer}/{field}", "out_of_range", f"{field} must lie inside the sequence: {inside}; given {step}.", step
        )
        for field, step in spec.misplaced(steps).items()
    ]
    objection = None if errors else spec.refusal(condition.task, condition.extent, condition.network())
    if objection:
        errors.append(FieldError(pointer, "does_not_apply", objection, spec.kind))
    if errors:
        raise Unprocessable(errors[0].message, errors=errors)


def _asked(
    context: Context, connection: Connection, new: Sequence[tuple[NewProbe, Condition]], asker: Asker
) -> list[ProbeRecord]:
    """Store what is new; the rows as they stand, in the order asked. A probe that failed or was cancelled is new."""
    names = [each.fingerprint for each, _ in new]
    found = probes.with_fingerprints(connection, names)
    settled = {row.fingerprint for row in found if row.state not in probes.ASKED_AGAIN}
    if work := [condition for each, condition in new if each.fingerprint not in settled]:
        room.require(context)
        asker.take(connection, work)
    probes.add(connection, [replace(each, owner=asker.caller.name) for each, _ in new])
    probes.ask_again(connection, names)
    stored = {row.fingerprint: row for row in probes.with_fingerprints(connection, names)}
    return [stored[name] for name in names]


def look(context: Context, key: int) -> ProbeRecord:
    """One probe, or NotFound."""
    with context.database.reading() as connection:
        row = probes.get(connection, key)
    if row is None:
        raise NotFound(f"There is no probe {ids.public(ids.PROBE, key)}.")
    return row


def claim(context: Context, worker: str) -> ClaimedProbe | None:
    """Claim the next probe with the weights it is about, or None."""
    from memspan.probes import probe as family

    mine = holder(context, worker)
    with context.database.writing() as connection:
        key = leases.claim_probe(connection, mine)
        row = probes.get(connection, key) if key is not None else None
        if row is None:
            return None
    weights, damage = _weights(context, row)
    return ClaimedProbe(
        lease=mine.lease,
        key=row.key,
        experiment=row.experiment_key,
        spec=family.spec(row.kind).model_validate(row.spec),
        condition=condition_of(row),
        weights=tuple(weights),
        required=row.required,
        damaged=damage,
    )


def _weights(context: Context, row: ProbeRecord) -> tuple[list[Bytes], WeightsDamaged | None]:
    """The weights that a probe is asked of, or why nothing may be made of them."""
    with context.database.reading() as connection:
        try:
            if row.checkpoint_key is None:
                place = (row.experiment_key, row.condition, row.checkpoint_kind)
                return checkpoints.of_condition(connection, *place), None
            checkpoint = checkpoints.get(connection, row.checkpoint_key)
            return [data_of(connection, checkpoint.sha256)] if checkpoint else [], None
        except Damaged as error:
            return [], damaged(error)
        except WeightsDamaged as error:
            return [], error


def finish(context: Context, work: ClaimedProbe, reading: Reading) -> None:
    """Store a probe's answer; the experiment ends with its last one."""
    repeats = 1 if work.spec.one_repeat else len(work.weights)
    with context.database.writing() as connection:
        row = experiments.lock(connection, work.experiment)
        if row and final_states.answer_probe(connection, work.lease, jsonable(reading.document()), repeats):
            _ended(connection, row, work, RunState.SUCCEEDED)


def fail(context: Context, work: ClaimedProbe, reason: Reason, detail: str) -> None:
    """Store why a probe has no answer."""
    with context.database.writing() as connection:
        row = experiments.lock(connection, work.experiment)
        if row and final_states.fail_probe(connection, work.lease, reason, detail):
            _ended(connection, row, work, RunState.FAILED)


def give_up(context: Context, work: ClaimedProbe, leaving: bool) -> bool:
    """End a claimed probe with its experiment, or put it back when its worker leaves; whether one was to be done.

    A probe of an experiment that has ended is somebody's own question, and goes on.
    """
    with context.database.writing() as connection:
        row = experiments.lock(connection, work.experiment)
        if row is None:
            return True
        if row.state in ACTIVE and row.cancelled_at is not None:
            if final_states.cancel_probe(connection, work.lease):
                _ended(connection, row, work, RunState.CANCELLED)
            return True
        if row.state in ACTIVE and work.required and over_time(connection, row):
            if final_states.fail_probe(connection, work.lease, Reason.TIMEOUT, TIME_IS_UP):
                _ended(connection, row, work, RunState.FAILED)
            return True
        if leaving:
            leases.give_back_probe(connection, work.lease)
    return leaving


def _ended(connection: Connection, row: ExperimentRecord, work: ClaimedProbe, state: RunState) -> None:
    """Tell listeners that a probe has ended, and see what is left to do."""
    body = {"id": ids.public(ids.PROBE, work.key), "kind": work.spec.kind, "state": state}
    events.append(connection, row.key, ("probe", body))
    end_locked(connection, row)


def listing(
    context: Context, after: int | None, limit: int, experiment: int | None, checkpoint: int | None, kind: str | None
) -> list[ProbeRecord]:
    """Probes, oldest first."""
    with context.database.reading() as connection:
        return probes.page(connection, after, limit, experiment, checkpoint, kind)
