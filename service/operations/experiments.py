"""What a user does with experiments: submit, look, cancel, pause, resume, delete."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from memspan.engine.choice import choose
from memspan.experiment.cost import epoch_seconds
from memspan.experiment.grid import conditions
from memspan.experiment.spec import ExperimentSpec
from memspan.parts.network import Network
from service.errors import Conflict, Fault, NotFound, Unprocessable
from service.operations import ids
from service.operations.context import Context
from service.operations.progress import counts_of, counts_of_many, eta_seconds
from service.operations.settling import cancel_waiting, settle
from service.storage import deletion, events, experiments, runs, workers
from service.storage.clock import now
from service.storage.deletion import Freed
from service.storage.experiments import Filter
from service.storage.states import ACTIVE, ExperimentState, RunState

GPU_PARAMETERS = 20_000
"""a network below that is faster on a CPU, whatever the GPU"""
GPU_SILENT_SECONDS = 60
"""a GPU worker that has not beaten for so long isn't counted on"""


@dataclass(frozen=True)
class ExperimentView:
    """An experiment as it stands."""

    row: Any
    counts: dict[str, Any]
    eta_seconds: float | None = None


def submit(context: Context, spec: ExperimentSpec, idempotency_key: str | None = None) -> ExperimentView:
    """Store an experiment with all its runs in one unit of work, then ring.

    A key that was used before names the experiment that it made: a request whose answer was lost makes no second one.
    """
    try:
        with context.database.writing() as connection:
            known = _made_before(context, connection, spec, idempotency_key) if idempotency_key else None
            key = known or _insert(connection, spec, idempotency_key)
            view = _view(connection, key)
    except IntegrityError:
        if idempotency_key is None:
            raise
        return submit(context, spec, idempotency_key)  # another request with the key was faster
    for queue in ("cpu", "gpu"):
        context.bell.ring(queue)
    return view


def _made_before(context: Context, connection: Connection, spec: ExperimentSpec, idempotency_key: str) -> int | None:
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
    if row.spec != spec.model_dump(mode="json"):
        message = "This Idempotency-Key has made another experiment; a new request needs a new key."
        raise Unprocessable(message, errors=[Fault("Idempotency-Key", "key_reused", message, idempotency_key)])
    return int(row.key)


def _insert(connection: Connection, spec: ExperimentSpec, idempotency_key: str | None) -> int:
    gpu = _gpu_is_there(connection)
    if spec.device == "gpu" and not gpu:
        raise no_gpu()
    rows = _runs(spec, gpu)
    key = experiments.add(
        connection,
        {
            "name": spec.name,
            "spec": spec.model_dump(mode="json"),
            "state": ExperimentState.QUEUED,
            "priority": spec.priority,
            "kinds": _words(spec),
            "runs": len(rows),
            "idempotency_key": idempotency_key,
        },
    )
    runs.add(connection, [{"experiment_key": key, **row} for row in rows])
    events.append(connection, key, ("state", {"state": ExperimentState.QUEUED}))
    return key


def _words(spec: ExperimentSpec) -> str:
    """What lists are filtered by, as words between spaces."""
    words = [word("task", task.kind) for task in spec.tasks] + [word("model", model.kind) for model in spec.models]
    return " ".join(["", *dict.fromkeys(words + [word("label", label) for label in spec.labels]), ""])


def word(name: str, value: str) -> str:
    """What marks an experiment as one with a task, model or label; a label's spaces must not make it several."""
    return f"{name}:{quote(value, safe='')}"


def _runs(spec: ExperimentSpec, gpu: bool) -> list[dict[str, Any]]:
    """One row for each run, with what decides where and beside whom it is trained."""
    rows: list[dict[str, Any]] = []
    for position, condition in enumerate(conditions(spec)):
        network = condition.network()
        queue = _queue(spec, network, gpu)
        chosen = choose(condition, network, "cuda" if queue == "gpu" else "cpu")
        cost = epoch_seconds(condition, network) * spec.training.epochs
        rows += [
            {
                "condition": position,
                "repeat": repeat,
                "seed": condition.run_seed(repeat),
                "engine": chosen.name,
                "width": chosen.width,
                "stack": repeat // chosen.width,
                "queue": queue,
                "cost": cost,
                "state": RunState.QUEUED,
            }
            for repeat in range(spec.repeats)
        ]
    return rows


def _queue(spec: ExperimentSpec, network: Network, gpu: bool) -> str:
    """Where a run waits: what was asked for; of itself a GPU only for a large network while a GPU worker is there."""
    if spec.device != "auto":
        return spec.device
    return "gpu" if gpu and network.parameters >= GPU_PARAMETERS else "cpu"


def _gpu_is_there(connection: Connection) -> bool:
    return any(serves_gpu(row) for row in workers.all_with_age(connection))


def serves_gpu(worker: Any) -> bool:
    """Whether a worker has a GPU and was heard of lately."""
    return worker.device != "cpu" and worker.age < GPU_SILENT_SECONDS and "gpu" in worker.queues.split(",")


def no_gpu() -> Unprocessable:
    """Runs that wait for a GPU that nobody has would wait in silence."""
    message = f"No GPU worker was heard of for {GPU_SILENT_SECONDS} s; start one, or leave the device to auto or cpu."
    return Unprocessable(message, errors=[Fault("#/device", "no_gpu_worker", message, "gpu")])


def look(context: Context, key: int) -> ExperimentView:
    """One experiment, or NotFound."""
    with context.database.reading() as connection:
        return _view(connection, key)


def _view(connection: Connection, key: int) -> ExperimentView:
    row = found(connection, key)
    return ExperimentView(row, counts_of(connection, row), eta_seconds(connection, row))


def found(connection: Connection, key: int) -> Any:
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


def cancel(context: Context, key: int) -> tuple[ExperimentView, bool]:
    """Stop an experiment: what waits is cancelled now, what runs within 15 s.

    Returns:
        the experiment, and whether anything was left to do. Cancelling twice is once; a finished one is a Conflict.
    """
    with context.database.writing() as connection:
        row = locked(connection, key)
        if row.state == ExperimentState.CANCELLED or row.cancelled_at is not None:
            return _view(connection, key), False
        if row.state not in ACTIVE:
            raise Conflict(f"The experiment is {row.state}: there is nothing left to cancel.")
        experiments.set_state(connection, key, row.state, cancelled_at=now())
        cancel_waiting(connection, key)
        settle(connection, key)
        view = _view(connection, key)
        if cancelling(view.row):
            events.append(connection, key, ("state", {"state": view.row.state, "cancelling": True}))
        return view, True


def cancelling(row: Any) -> bool:
    """Whether an experiment was cancelled and workers still have to let go of its runs."""
    return row.cancelled_at is not None and row.state in ACTIVE


def locked(connection: Connection, key: int) -> Any:
    """The row of an experiment, kept from changing and from being deleted, or NotFound."""
    row = experiments.lock(connection, key)
    return row if row is not None else found(connection, key)


def pause(context: Context, key: int) -> tuple[ExperimentView, bool]:
    """Let an experiment rest: what runs goes back into its queue within 15 s, with its state kept."""
    return _change(context, key, (ExperimentState.QUEUED, ExperimentState.RUNNING), ExperimentState.PAUSED, "pause")


def resume(context: Context, key: int) -> tuple[ExperimentView, bool]:
    """Let a paused experiment go on."""
    view, changed = _change(context, key, (ExperimentState.PAUSED,), ExperimentState.RUNNING, "resume")
    for queue in ("cpu", "gpu"):
        context.bell.ring(queue)
    return view, changed


def _change(
    context: Context, key: int, sources: tuple[ExperimentState, ...], target: ExperimentState, verb: str
) -> tuple[ExperimentView, bool]:
    with context.database.writing() as connection:
        row = locked(connection, key)
        if row.state == target or (verb == "resume" and row.state in (ExperimentState.QUEUED, ExperimentState.RUNNING)):
            return _view(connection, key), False
        if row.state not in sources or row.cancelled_at is not None:
            raise Conflict(f"The experiment is {row.state}: it can't {verb}.")
        back = ExperimentState.QUEUED if target is ExperimentState.RUNNING and row.started_at is None else target
        experiments.set_state(connection, key, back)
        events.append(connection, key, ("state", {"state": back}))
        return _view(connection, key), True


def delete(context: Context, key: int, dry_run: bool) -> Freed:
    """Delete a finished experiment and all that hangs on it; Conflict while it is active."""
    with context.database.writing() as connection:
        row = locked(connection, key)
        if row.state in ACTIVE:
            raise Conflict(f"The experiment is {row.state}. Cancel it first, or wait for its end.")
        return deletion.size(connection, key) if dry_run else deletion.delete_experiment(connection, key)
