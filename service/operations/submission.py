"""Submission: an experiment's rows as they are first stored, and what a key has made before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from memspan.experiment.fleet import Fleet
from memspan.experiment.placements import Placements
from memspan.experiment.plan import ALONE, estimated_seconds
from memspan.experiment.rounds import Allocation, first_round, opening
from memspan.experiment.series import all_series
from memspan.experiment.spec import ExperimentSpec
from service.errors import FieldError, Unprocessable
from service.operations import quotas, task_data
from service.operations.after_runs import is_followed
from service.operations.caller import ANYBODY, Caller
from service.operations.context import Context
from service.operations.queueing import Queued, probe_seconds, queued, store
from service.operations.quotas import Demand
from service.operations.remaining_time import SILENT_SECONDS
from service.storage import events, experiments
from service.storage.database import Connection
from service.storage.experiments import NewExperiment, StudyPlace
from service.storage.states import ExperimentState


def made_before(
    context: Context,
    connection: Connection,
    spec: ExperimentSpec,
    idempotency_key: str,
    place: StudyPlace | None = None,
) -> int | None:
    """The experiment that an Idempotency-Key has made, unless that is too long ago.

    Raises:
        Unprocessable: it was made from another spec.
    """
    row = experiments.with_idempotency_key(connection, idempotency_key)
    if row is None:
        return None
    if row.age > context.settings.idempotency_hours * 3600:
        experiments.release_idempotency_key(connection, row.key)
        return None
    same_place = (row.study, row.study_scale) == ((place.study, place.scale) if place else (None, None))
    if _as_submitted(connection, row.key, row.spec) != spec.model_dump(mode="json") or not same_place:
        message = "This Idempotency-Key has made another experiment; a new request needs a new key."
        given = idempotency_key.rpartition(" ")[2]  # without the name of who gave it
        raise Unprocessable(message, errors=[FieldError("Idempotency-Key", "key_reused", message, given)])
    return row.key


def _as_submitted(connection: Connection, key: int, spec: dict[str, Any]) -> dict[str, Any]:
    """The spec that made an experiment, before it was extended."""
    for told in reversed(events.of_type(connection, key, "extension")):
        before = {told.body["field"]: told.body["before"]}
        spec = spec | (before if "repeats" in before else {"training": spec["training"] | before})
    return spec


BYTES_OF_WEIGHTS = 2 * 4
"""of a run for each trainable number: the best and the last, of four bytes"""


@dataclass(frozen=True)
class Prepared:
    """An experiment with all that is stored of it at first, made before the database is locked."""

    new: NewExperiment
    rows: Sequence[Queued]
    followed: bool
    caller: Caller
    demand: Demand


def prepare(
    workers: Fleet,
    spec: ExperimentSpec,
    idempotency_key: str | None = None,
    place: StudyPlace | None = None,
    caller: Caller = ANYBODY,
) -> Prepared:
    """The rows of an experiment with all its runs, those of the first round where others follow from them.

    Raises:
        Unprocessable: it asks for a GPU, and no GPU worker is there.
    """
    gpu = workers.gpu_workers > 0
    if spec.device == "gpu" and not gpu:
        raise no_gpu()
    allocations = [allocation for series in all_series(spec) for allocation in opening(spec, series)]
    placements = Placements(spec, gpu)
    rows = queued(placements, allocations, first_round(spec))
    new = NewExperiment(
        name=spec.name,
        spec=spec.model_dump(mode="json"),
        priority=spec.priority,
        kinds=words(spec),
        runs=sum(each.stack.runs for each in rows),
        probe_seconds=probe_seconds(placements, allocations),
        idempotency_key=idempotency_key,
        place=place,
        owner=caller.name,
        request_id=caller.request_id or None,
    )
    demand = demand_of(placements, [*allocations, *_reported(spec)]) if caller.name is not None else Demand()
    return Prepared(new, rows, is_followed(spec), caller, demand)


def insert(connection: Connection, prepared: Prepared, group: int | None = None) -> int:
    """Store an experiment with its runs; its key.

    Args:
        group: what it was started together with, where its place does not say so yet.

    Raises:
        Unprocessable: it asks for more than a quota of the caller allows.
        QuotaExceeded: it asks for more than is left.
    """
    quotas.take(connection, prepared.caller, prepared.demand)
    new = prepared.new
    if group is not None and new.place is not None:
        new = replace(new, place=replace(new.place, group=group))
    key = experiments.add(connection, new)
    store(connection, key, new.priority, prepared.rows, prepared.followed)
    events.append(connection, key, ("state", {"state": ExperimentState.QUEUED}))
    return key


def _reported(spec: ExperimentSpec) -> list[Allocation]:
    """What will be asked for once settings are chosen, all of which weigh as much; a search tells its rounds later."""
    tuned = [series for series in all_series(spec) if series.settings and series.search is None]
    return [Allocation(position, range(spec.repeats)) for series in tuned for position in series.of_setting(0)]


def demand_of(placements: Placements, allocations: Sequence[Allocation]) -> Demand:
    """What an experiment asks for: the weights of each run at its best and its last epoch, the work of the plan."""
    weights = sum(
        len(each.repeats) * placements[each.position].network.parameters * BYTES_OF_WEIGHTS for each in allocations
    )
    return Demand(
        queued_runs=sum(len(each.repeats) for each in allocations),
        stored_bytes=weights,
        core_seconds=estimated_seconds([placements], ALONE),
    )


def words(spec: ExperimentSpec) -> str:
    """What lists are filtered by, as words between spaces."""
    words = [word("task", task.kind) for task in spec.tasks] + [word("model", model.kind) for model in spec.models]
    words += [word("dataset", name) for name in task_data.names_of(spec)]
    return " ".join(["", *dict.fromkeys(words + [word("label", label) for label in spec.labels]), ""])


def word(name: str, value: str) -> str:
    """What marks an experiment as one with a task, model or label; a label's spaces must not make it several."""
    return f"{name}:{quote(value, safe='')}"


def no_gpu() -> Unprocessable:
    """Runs that wait for a GPU that nobody has would wait in silence."""
    message = f"No GPU worker was heard of for {SILENT_SECONDS} s; start one, or leave the device to auto or cpu."
    return Unprocessable(message, errors=[FieldError("#/device", "no_gpu_worker", message, "gpu")])
