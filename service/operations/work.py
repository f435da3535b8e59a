"""What a worker asks for: claim runs, tell how they go, hand in what they ended with.

Every call is one short unit of work behind the fence of a lease: a worker that lost its lease changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import cast
from uuid import uuid4

import structlog

from memspan.engine.condition import Condition
from memspan.engine.placement import Device, EngineName, Placement
from memspan.engine.snapshot import Snapshot, SnapshotUnreadable
from memspan.experiment.fleet import Work
from service.operations.after_runs import follow_up
from service.operations.context import Context
from service.operations.progress import counts_of, over_time, progress_body
from service.operations.remaining_time import remaining_lately
from service.operations.specs import condition_of
from service.operations.uploads import drop, uploaded
from service.queue_names import Queue
from service.storage import events, experiments, final_states, leases, metrics, paces, runs
from service.storage import snapshots as snapshot_rows
from service.storage.contents import Damaged
from service.storage.database import Connection
from service.storage.leases import Holder
from service.storage.metrics import Measurement
from service.storage.runs import ClaimedRun
from service.storage.states import ExperimentState

log = structlog.stdlib.get_logger("memspan.storage")

Measured = Mapping[int, Sequence[tuple[int, Mapping[str, float]]]]
"""for each repeat, its metrics by epoch"""


class Order(Enum):
    """What a worker is to do next with what it holds."""

    GO_ON = auto()
    CANCEL = auto()
    """the experiment was cancelled"""
    RELEASE = auto()
    """the experiment was paused: put the runs back"""
    TIME_IS_UP = auto()
    """the experiment used up its ``limits.max_seconds``"""
    STOP = auto()
    """the lease was lost: write nothing more"""


@dataclass(frozen=True)
class ClaimedRuns:
    """Runs of one stack under one lease.

    Attributes:
        runs: the run's key by its repeat.
        snapshots: where each repeat goes on; empty for a fresh start.
    """

    lease: str
    experiment: int
    placement: Placement
    position: int
    runs: Mapping[int, int]
    snapshots: Mapping[int, Snapshot]
    queue: Queue
    more_waits: bool

    @property
    def condition(self) -> Condition:
        return self.placement.condition


def holder(context: Context, worker: str) -> Holder:
    """A worker with a new lease."""
    return Holder(uuid4().hex, worker, context.settings.lease_seconds)


def claim(context: Context, worker: str, queues: Sequence[Queue]) -> ClaimedRuns | None:
    """Claim runs that are trained together, or None when nothing waits in the queues."""
    mine = holder(context, worker)
    with context.database.writing() as connection:
        keys = leases.claim_runs(connection, mine, queues)
        if not keys:
            return None
        rows = runs.claimed(connection, keys)
        first = rows[0]
        snapshots, broken = _snapshots(connection, rows)
        if broken:
            _start_again(connection, broken)
            rows = [row for row in rows if row not in broken]
        metrics.drop_beyond(connection, keys, first.resume_epoch)
        if experiments.start(connection, first.experiment_key):
            events.append(connection, first.experiment_key, ("state", {"state": ExperimentState.RUNNING}))
        more = bool(set(leases.waiting_queues(connection)) & set(queues))
    if not rows:
        return claim(context, worker, queues)
    return ClaimedRuns(
        lease=mine.lease,
        experiment=first.experiment_key,
        placement=_placement(first),
        position=first.condition,
        runs={row.repeat: row.key for row in rows},
        snapshots=snapshots,
        queue=first.queue,
        more_waits=more,
    )


def _placement(row: ClaimedRun) -> Placement:
    """How a run was placed when it was submitted."""
    condition = condition_of(row)
    device: Device = "gpu" if row.queue is Queue.GPU else "cpu"
    return Placement(condition, condition.network(), device, cast(EngineName, row.engine), row.width)


def _snapshots(connection: Connection, rows: Sequence[ClaimedRun]) -> tuple[dict[int, Snapshot], list[ClaimedRun]]:
    """The snapshots by repeat that are what was stored, and the runs whose snapshot is not: those start again."""
    found, broken = {}, []
    for row in rows:
        if row.resume_epoch == 0 and row.resume_step == 0:
            continue
        try:
            found[row.repeat] = _snapshot(connection, row)
        except (SnapshotUnreadable, Damaged) as error:
            log.error("snapshot_damaged", run=row.key, experiment=row.experiment_key, reason=str(error))
            broken.append(row)
    return found, broken


def _snapshot(connection: Connection, row: ClaimedRun) -> Snapshot:
    data = snapshot_rows.data(connection, row.key)
    if data is None:
        raise SnapshotUnreadable("The snapshot is gone.")
    snapshot = Snapshot.from_bytes(data)
    if (snapshot.position.epoch, snapshot.position.step) != (row.resume_epoch, row.resume_step):
        raise SnapshotUnreadable("The snapshot stands elsewhere than its run.")
    return snapshot


def _start_again(connection: Connection, broken: Sequence[ClaimedRun]) -> None:
    """Put runs whose snapshot is damaged back to their beginning, without what they had measured, and say so."""
    keys = [row.key for row in broken]
    snapshot_rows.restart(connection, keys)
    metrics.drop_beyond(connection, keys, 0)
    leases.put_back(connection, keys)
    told = [{"what": "snapshot", "condition": row.condition, "repeat": row.repeat} for row in broken]
    events.append(connection, broken[0].experiment_key, *(("damaged", body) for body in told))


def note_pace(context: Context, host: str, spent: Mapping[Work, tuple[float, float]]) -> None:
    """Store what work took on a machine: modelled and measured seconds by kind."""
    with context.database.writing() as connection:
        paces.note(connection, host, spent)


def beat(context: Context, lease: str) -> bool:
    """Renew a lease; whether anything is still held."""
    with context.database.writing() as connection:
        return leases.beat(connection, lease, context.settings.lease_seconds) > 0


def tell(context: Context, work: ClaimedRuns, epochs: float, measured: Measured) -> Order:
    """Store how far runs are and what they measured; what to do next."""
    with context.database.writing() as connection:
        held = held_runs(connection, work)
        if not held:
            return Order.STOP
        store_metrics(connection, work, measured, held)
        runs.set_progress(connection, held, epochs)
        return _progress_event(context, connection, work.experiment)


def keep(
    context: Context,
    work: ClaimedRuns,
    snapshots: Mapping[int, Snapshot],
    position: tuple[int, int],
    epochs: float,
    measured: Measured,
) -> Order:
    """Store a slice: metrics and the state from which another worker would go on to the very same numbers."""
    stored = uploaded(context, {work.runs[repeat]: snapshot.file() for repeat, snapshot in snapshots.items()})
    try:
        with context.database.writing() as connection:
            held = set(held_runs(connection, work))
            if not held:
                return Order.STOP
            store_metrics(connection, work, measured, list(held))
            snapshot_rows.store(connection, {key: each for key, each in stored.items() if key in held}, *position)
            runs.set_progress(connection, list(held), epochs)
            return _progress_event(context, connection, work.experiment)
    finally:
        drop(context, stored.values())


def held_runs(connection: Connection, work: ClaimedRuns) -> list[int]:
    """Lock the experiment, then the runs that are still held; their keys."""
    experiments.lock(connection, work.experiment)
    return leases.lock_held_runs(connection, work.lease)


def store_metrics(
    connection: Connection,
    work: ClaimedRuns,
    measured: Measured,
    held: Sequence[int],
) -> None:
    told = [
        Measurement(work.runs[repeat], epoch, values)
        for repeat, epochs in measured.items()
        if work.runs[repeat] in held
        for epoch, values in epochs
    ]
    metrics.store(connection, told)


def _progress_event(context: Context, connection: Connection, experiment: int) -> Order:
    """Tell listeners how far the experiment is; what its state asks of workers."""
    row = experiments.get(connection, experiment)
    if row is None:
        return Order.STOP
    body = progress_body(counts_of(connection, row), row.state, remaining_lately(context, connection, row))
    events.append(connection, experiment, ("progress", body))
    if row.cancelled_at is not None:
        return Order.CANCEL
    if row.state == ExperimentState.PAUSED:
        return Order.RELEASE
    return Order.TIME_IS_UP if over_time(connection, row) else Order.GO_ON


def give_back(context: Context, work: ClaimedRuns) -> None:
    """Put runs back into their queue without blame: paused, or the worker is told to stop."""
    with context.database.writing() as connection:
        row = experiments.lock(connection, work.experiment)
        leases.give_back(connection, work.lease)
        if row is not None and row.cancelled_at is not None:  # since the worker last heard of it
            final_states.cancel_waiting(connection, work.experiment)
            follow_up(connection, work.experiment)
    context.bell.ring(work.queue)
