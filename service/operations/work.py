"""What a worker asks for once it has claimed: tell how runs go, keep a slice of them, give them back.

Every call is one short unit of work behind the fence of a lease: a worker that lost its lease changes nothing. Rows are
locked in the order that claims lock them in (``claiming.py``).
"""

from collections.abc import Mapping, Sequence
from enum import Enum, auto

from memspan.engine.snapshot import Snapshot
from memspan.experiment.fleet import Work
from service.operations.after_runs import end_if_done, settle
from service.operations.claiming import ClaimedRuns
from service.operations.context import Context
from service.operations.progress import over_time
from service.operations.telling import tell as tell_listeners
from service.operations.uploads import drop, uploaded
from service.storage import experiments, final_states, leases, metrics, paces, stacks, tallies
from service.storage import runs as run_rows
from service.storage import snapshots as snapshot_rows
from service.storage.database import Connection
from service.storage.metrics import Measurement
from service.storage.stacks import StackRecord
from service.storage.states import ExperimentState, RunState

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
        stack = held_stack(connection, work)
        if stack is None:
            return Order.STOP
        store_metrics(connection, [(work, measured)])
        _set_progress(connection, work, stack, epochs)
        order = _order(connection, work.experiment)
    tell_listeners(context, work.experiment)
    return order


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
            stack = held_stack(connection, work)
            if stack is None:
                return Order.STOP
            store_metrics(connection, [(work, measured)])
            snapshot_rows.store(connection, work.stack, stored, *position)
            _set_progress(connection, work, stack, epochs)
            order = _order(connection, work.experiment)
    finally:
        drop(context, stored.values())
    tell_listeners(context, work.experiment)
    return order


def held_stack(connection: Connection, work: ClaimedRuns) -> StackRecord | None:
    """The stack, locked, if it is still held."""
    return stacks.lock_held(connection, work.lease).get(work.stack)


def store_metrics(connection: Connection, told_of: Sequence[tuple[ClaimedRuns, Measured]]) -> None:
    """Store what the runs of some stacks measured."""
    told = [
        Measurement(work.runs[repeat], epoch, values)
        for work, measured in told_of
        for repeat, epochs in measured.items()
        for epoch, values in epochs
    ]
    metrics.store(connection, told)


def _set_progress(connection: Connection, work: ClaimedRuns, stack: StackRecord, epochs: float) -> None:
    more = run_rows.set_progress(connection, work.stack, epochs)
    change = tallies.change(stack, epochs=more, left_seconds=-stack.run_seconds * more / work.epochs)
    tallies.add(connection, work.experiment, [change], work.shard)


def order_now(context: Context, work: ClaimedRuns) -> Order:
    """What to do next with runs of which there is nothing to tell."""
    with context.database.writing() as connection:
        if held_stack(connection, work) is None:
            return Order.STOP
        return _order(connection, work.experiment)


def _order(connection: Connection, experiment: int) -> Order:
    """What an experiment's state asks of workers."""
    row = experiments.get(connection, experiment)
    if row is None:
        return Order.STOP
    if row.cancelled_at is not None:
        return Order.CANCEL
    if row.state == ExperimentState.PAUSED:
        return Order.RELEASE
    return Order.TIME_IS_UP if over_time(connection, row) else Order.GO_ON


def give_back(context: Context, work: ClaimedRuns) -> None:
    """Put runs back into their queue without blame: paused, or the worker is told to stop."""
    with context.database.writing() as connection:
        stack = held_stack(connection, work)
        if stack is None:
            return
        row = experiments.get(connection, work.experiment)
        if row is not None and row.cancelled_at is not None:  # since the worker last heard of it
            settle(connection, final_states.end(connection, [stack], RunState.CANCELLED, work.epochs), work.shard)
        else:
            leases.put_back(connection, [stack.key])
            back = tallies.change(stack, queued=stack.runs, running=-stack.runs)
            tallies.add(connection, work.experiment, [back], work.shard)
    end_if_done(context, work.experiment)
    context.bell.ring(work.queue)
