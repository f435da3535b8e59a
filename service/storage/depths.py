"""SQL over queues: how much waits in each, and how much is being worked on."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from service.queue_names import Queue
from service.storage.clock import now
from service.storage.states import OPEN, RunState
from service.storage.tables import experiments, probes, runs


@dataclass(frozen=True)
class QueueDepth:
    """How many rows of a queue wait and run, and for how many seconds the oldest has waited."""

    queue: Queue
    waiting: int
    leased: int
    oldest_wait_seconds: float | None


RUNS = (
    select(runs.c.queue, runs.c.state, func.count(), now() - func.min(experiments.c.created_at))
    .join(experiments, experiments.c.key == runs.c.experiment_key)
    .where(runs.c.state.in_(OPEN))
    .group_by(runs.c.queue, runs.c.state)
)
PROBES = (
    select(probes.c.state, func.count(), now() - func.min(probes.c.created_at))
    .where(probes.c.state.in_(OPEN))
    .group_by(probes.c.state)
)


def of_queues(connection: Connection) -> list[QueueDepth]:
    """The depth of every queue."""
    found = {(queue, state): (count, age) for queue, state, count, age in connection.execute(RUNS)}
    found |= {(Queue.PROBE, state): (count, age) for state, count, age in connection.execute(PROBES)}
    return [_depth(queue, found) for queue in Queue]


def _depth(queue: Queue, found: dict[tuple[Queue, RunState], tuple[int, float]]) -> QueueDepth:
    waiting, age = found.get((queue, RunState.QUEUED), (0, None))
    leased, _ = found.get((queue, RunState.RUNNING), (0, None))
    return QueueDepth(queue, waiting, leased, None if age is None else round(float(age), 1))
