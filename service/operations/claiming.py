"""Claiming: what waits comes under a worker's lease, with where its runs go on.

A claim is one short unit of work. Rows are locked in one order, stacks, then conditions, experiments and tallies, so
that no two workers wait for each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import uuid4

import structlog
import torch

from memspan.engine.condition import Condition
from memspan.engine.fused.scope import works
from memspan.engine.placement import Device, EngineName, Placement
from memspan.engine.processor import OtherProcessor, processor_kind
from memspan.engine.snapshot import Snapshot, SnapshotUnreadable
from memspan.training import most_epochs
from service.operations import ids
from service.operations.after_runs import is_followed
from service.operations.context import Context
from service.operations.end_states import snapshot_at_end
from service.operations.specs import condition_of, whole_spec_of
from service.queue_names import Queue
from service.storage import events, experiments, leases, metrics, reopening, stacks, tallies
from service.storage import snapshots as snapshot_rows
from service.storage.contents import Damaged
from service.storage.database import Connection
from service.storage.experiments import ServedRecord
from service.storage.leases import ONE, ClaimedRow, Helping, Holder
from service.storage.stacks import StackRecord
from service.storage.states import ExperimentState, StackState

log = structlog.stdlib.get_logger("memspan.storage")


@dataclass(frozen=True)
class ClaimedRuns:
    """Runs of one stack under a lease, which may hold other stacks too.

    Attributes:
        stack: its key.
        runs: the run's key by its repeat.
        snapshots: where each repeat goes on; empty for a fresh start.
        followed: whether something follows the end of their condition: probes, or the next round of a search.
        attempt: how often the run that was claimed most often has been claimed.
        request_id: of the request that submitted the experiment, if one did.
    """

    lease: str
    worker: str
    stack: int
    experiment: int
    placement: Placement
    position: int
    runs: Mapping[int, int]
    snapshots: Mapping[int, Snapshot]
    queue: Queue
    more_waits: bool
    followed: bool
    attempt: int
    request_id: str | None

    @property
    def condition(self) -> Condition:
        return self.placement.condition

    @property
    def epochs(self) -> int:
        """That the runs are trained for."""
        return self.condition.training.most_epochs

    @property
    def shard(self) -> int:
        """Where its worker keeps tallies."""
        return tallies.shard_of(self.worker)


@dataclass(frozen=True)
class _Place:
    """The condition of a stack, as stored specs are asked for it."""

    experiment_key: int
    experiment_spec: dict[str, Any]
    condition: int


class _Overtaken(Exception):
    """An experiment was paused or cancelled while its first stack was claimed."""


SET_ASIDE = 500
"""stacks of a resting experiment that a claim sets aside when it comes upon one"""


def holder(context: Context, worker: str) -> Holder:
    """A worker with a new lease."""
    return Holder(uuid4().hex, worker, context.settings.lease_seconds)


def claim(context: Context, worker: str, queues: Sequence[Queue]) -> ClaimedRuns | None:
    """Claim runs that are trained together, or None when nothing waits in the queues."""
    claimed = claim_several(context, worker, queues)
    return claimed[0] if claimed else None


def claim_several(
    context: Context, worker: str, queues: Sequence[Queue], helping: Helping = ONE
) -> Sequence[ClaimedRuns]:
    """Claim stacks of short runs together, under one lease; none when nothing waits in the queues."""
    claimed: Sequence[ClaimedRuns] | None = None
    while claimed is None:
        try:
            with context.database.writing() as connection:
                claimed = _claim(connection, holder(context, worker), queues, helping)
        except _Overtaken:
            continue
    return claimed


def _claim(
    connection: Connection, mine: Holder, queues: Sequence[Queue], helping: Helping
) -> Sequence[ClaimedRuns] | None:
    """What comes next, now under a lease; None where some of that may not be served: others may."""
    found = leases.next_stacks(connection, queues, helping)
    if not found:
        return ()
    served = experiments.to_serve(connection, {each.experiment_key for each in found})
    resting = {each.experiment_key for each in found if not served[each.experiment_key].claimable}
    for experiment in sorted(resting):
        stacks.set_aside(connection, experiment, SET_ASIDE)
    mates = [each for each in found if each.experiment_key not in resting]
    if not mates:
        return None
    return _claimed(connection, mine, mates, served, more=len(found) == helping.most)


def _claimed(
    connection: Connection,
    mine: Holder,
    mates: Sequence[StackRecord],
    served: Mapping[int, ServedRecord],
    more: bool,
) -> Sequence[ClaimedRuns]:
    """Take stacks, each with where its runs go on."""
    rows = leases.claim_stacks(connection, mine, [each.key for each in mates])
    held = [replace(each, state=StackState.RUNNING, lease=mine.lease, worker=mine.worker) for each in mates]
    shard, changes, claimed = tallies.shard_of(mine.worker), dict[int, list[tallies.Change]](), list[ClaimedRuns]()
    for stack in held:
        own = [row for row in rows if row.stack_key == stack.key]
        spec = served[stack.experiment_key].spec
        snapshots, broken = _snapshots(connection, stack, own, spec) if stack.resumes else ({}, {})
        changes.setdefault(stack.experiment_key, []).append(_taken(connection, stack, own, broken, served))
        kept = own if len(broken) == len(own) else [row for row in own if row not in broken]
        repeated = [row.key for row in kept if row.attempt > 1 and row not in broken]
        if repeated:
            metrics.drop_beyond(connection, repeated, stack.resume_epoch)
        claimed.append(_handed_out(mine, stack, kept, snapshots, served[stack.experiment_key], more))
    for experiment in sorted(changes):
        _start(connection, served[experiment])
        tallies.add(connection, experiment, changes[experiment], shard)
    return claimed


def _taken(
    connection: Connection,
    stack: StackRecord,
    rows: Sequence[ClaimedRow],
    broken: Mapping[ClaimedRow, str],
    served: Mapping[int, ServedRecord],
) -> tallies.Change:
    """What a claim changes; runs that can't go on begin again, in a stack of their own if others go on."""
    if not broken:
        return tallies.change(stack, queued=-len(rows), running=len(rows))
    good = [row.key for row in rows if row not in broken]
    lost = _start_again(connection, stack, good, broken)
    count = len(good) or len(rows)
    again = stack.run_seconds * lost / most_epochs(served[stack.experiment_key].spec["training"]["epochs"])
    return tallies.change(stack, queued=-count, running=count, epochs=-lost, left_seconds=again)


def _start_again(
    connection: Connection, stack: StackRecord, good: Sequence[int], broken: Mapping[ClaimedRow, str]
) -> float:
    """Put runs back to their beginning, without what they had measured, and say so; the epochs that are lost."""
    keys = [row.key for row in broken]
    own = stacks.split(connection, stack, [good, keys])[1] if good else stack
    lost = snapshot_rows.restart(connection, own.key, keys)
    metrics.drop_beyond(connection, keys, 0)
    reopening.drop_unused(connection, reopening.drop_checkpoints_of(connection, keys))
    if good:
        leases.put_back(connection, [own.key])
    place = {"what": "snapshot", "condition": stack.condition}
    told = [(why, {**place, "repeat": row.repeat}) for row, why in broken.items()]
    events.append(connection, stack.experiment_key, *told)
    return lost


def _handed_out(
    mine: Holder,
    stack: StackRecord,
    rows: Sequence[ClaimedRow],
    snapshots: Mapping[int, Snapshot],
    served: ServedRecord,
    more: bool,
) -> ClaimedRuns:
    place = _Place(stack.experiment_key, served.spec, stack.condition)
    condition = condition_of(place)
    device: Device = "gpu" if stack.queue is Queue.GPU else "cpu"
    engine = cast(EngineName, stack.engine)
    return ClaimedRuns(
        lease=mine.lease,
        worker=mine.worker,
        stack=stack.key,
        experiment=stack.experiment_key,
        placement=Placement(condition, condition.network(), device, engine, rows[0].width),
        position=stack.condition,
        runs={row.repeat: row.key for row in rows},
        snapshots=snapshots,
        queue=stack.queue,
        more_waits=more,
        followed=is_followed(whole_spec_of(place)),
        attempt=max(row.attempt for row in rows),
        request_id=served.request_id,
    )


def _about(stack: StackRecord, row: ClaimedRow) -> dict[str, str]:
    """What a line about a claimed run says."""
    return {"experiment": ids.public(ids.EXPERIMENT, stack.experiment_key), "run": ids.public(ids.RUN, row.key)}


def _snapshots(
    connection: Connection, stack: StackRecord, rows: Sequence[ClaimedRow], spec: dict[str, Any]
) -> tuple[dict[int, Snapshot], dict[ClaimedRow, str]]:
    """The snapshots by repeat that runs go on from, and what keeps others from it: those start again."""
    found: dict[int, Snapshot] = {}
    broken: dict[ClaimedRow, str] = {}
    for row in rows:
        try:
            found[row.repeat] = _snapshot(connection, stack, row, spec)
        except (SnapshotUnreadable, Damaged) as error:
            log.error("snapshot_damaged", **_about(stack, row), reason=str(error))
            broken[row] = "damaged"
        except OtherProcessor as error:
            log.warning("other_processor", **_about(stack, row), reason=str(error))
            broken[row] = "other_processor"
    return found, broken


def _snapshot(connection: Connection, stack: StackRecord, row: ClaimedRow, spec: dict[str, Any]) -> Snapshot:
    """Where a run goes on: its last snapshot, else where it ended when it was asked for fewer epochs."""
    data = snapshot_rows.data(connection, row.key)
    if data is None:
        condition = condition_of(_Place(stack.experiment_key, spec, stack.condition))
        snapshot = snapshot_at_end(connection, condition, row.key, stack.resume_epoch)
    else:
        snapshot = Snapshot.from_bytes(data)
    if (snapshot.position.epoch, snapshot.position.step) != (stack.resume_epoch, stack.resume_step):
        raise SnapshotUnreadable("The snapshot stands elsewhere than its run.")
    there, here = snapshot.position.processor, _processor(stack)
    if there and there != here:  # older releases didn't note it
        raise OtherProcessor(there, here)
    return snapshot


def _processor(stack: StackRecord) -> str:
    """The kind of processor that the numbers of a stack would be of, were it trained by this process."""
    engine: EngineName = "fused" if stack.engine == "fused" and works() else "torch"
    return processor_kind(engine, "cuda" if stack.queue is Queue.GPU and torch.cuda.is_available() else "cpu")


def _start(connection: Connection, served: ServedRecord) -> None:
    """Let an experiment run whose first stack was claimed.

    Raises:
        _Overtaken: it was paused or cancelled since it was looked at.
    """
    if served.state is not ExperimentState.QUEUED:
        return
    row = experiments.lock(connection, served.key)
    if row is None or row.state not in (ExperimentState.QUEUED, ExperimentState.RUNNING) or row.cancelled_at:
        raise _Overtaken
    if row.state is ExperimentState.QUEUED:
        experiments.start(connection, served.key)
        events.append(connection, served.key, ("state", {"state": ExperimentState.RUNNING}))
