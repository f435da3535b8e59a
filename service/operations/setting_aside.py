"""Setting aside: what a pause, a resumption, a cancellation or a lack of time does to the stacks that wait.

An experiment's state says what is to be done with them. It is changed at once; its stacks follow in batches, each a
short unit of work, so that nobody waits for long and nothing is lost should a process die between two: the patrol goes
on.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from service.operations.after_runs import end_if_done, settle
from service.operations.context import Context
from service.operations.progress import TIME_IS_UP, over_time
from service.operations.specs import spec_of
from service.queue_names import Queue
from service.storage import experiments, final_states, stacks
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.states import ACTIVE, CLAIMABLE, ExperimentState, Reason, RunState

BATCH = 250
"""stacks that are ended in one unit of work"""
FLIPPED = 2_000
"""stacks that are set aside or brought back in one"""


def stop_waiting(context: Context, key: int, seconds: float = float("inf")) -> None:
    """End the stacks that wait of an experiment that was cancelled or is out of time; then it, if nothing is left.

    Args:
        seconds: after which the rest is left to the patrol.
    """
    rung = set[Queue]()

    def batch(connection: Connection) -> int:
        row = experiments.get(connection, key)
        why = _why(connection, row) if row is not None and row.state in ACTIVE else None
        waiting = stacks.lock_waiting(connection, key, BATCH) if why else []
        if row is None or why is None or not waiting:
            return 0
        ended = final_states.end(
            connection, waiting, why.state, spec_of(row).training.most_epochs, why.reason, why.detail
        )
        rung.update(settle(connection, ended))
        return len(waiting)

    _work_off(context, batch, BATCH, seconds)
    end_if_done(context, key)
    for queue in rung:
        context.bell.ring(queue)


@dataclass(frozen=True)
class _Why:
    """How the runs end that wait, and why."""

    state: RunState
    reason: Reason | None = None
    detail: str | None = None


def _why(connection: Connection, row: ExperimentRecord) -> _Why | None:
    if row.cancelled_at is not None:
        return _Why(RunState.CANCELLED)
    return _Why(RunState.FAILED, Reason.TIMEOUT, TIME_IS_UP) if over_time(connection, row) else None


def rest(context: Context, key: int, seconds: float = float("inf")) -> None:
    """Set aside the stacks that wait of an experiment that rests."""

    def batch(connection: Connection) -> int:
        row = experiments.get(connection, key)
        resting = row is not None and row.state is ExperimentState.PAUSED
        return stacks.set_aside(connection, key, FLIPPED) if resting else 0

    _work_off(context, batch, FLIPPED, seconds)


def wake(context: Context, key: int, seconds: float = float("inf")) -> None:
    """Bring back the stacks of an experiment that goes on, to where their queues have come meanwhile."""

    def batch(connection: Connection) -> int:
        row = experiments.get(connection, key)
        if row is None or row.state not in CLAIMABLE or row.cancelled_at is not None:
            return 0
        return stacks.bring_back(connection, key, FLIPPED, stacks.put_off(connection, key))

    _work_off(context, batch, FLIPPED, seconds)


def _work_off(context: Context, batch: Callable[[Connection], int], most: int, seconds: float) -> None:
    """Do a batch after the other, each in a unit of work, until one is not full or the time is over."""
    until = time.monotonic() + seconds
    while True:
        with context.database.writing() as connection:
            done = batch(connection)
        if done < most or time.monotonic() > until:
            return
