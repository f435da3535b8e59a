"""SQL over queues: how many runs and probes wait in each, and how many are being worked on."""

from dataclasses import dataclass

from sqlalchemy import Connection, case, func, select

from service.queue_names import Queue
from service.storage.clock import now
from service.storage.states import ACTIVE, OPEN, RunState
from service.storage.tables import experiments, probes, tallies


@dataclass(frozen=True)
class QueueDepth:
    """How many rows of a queue wait and run, and for how many seconds the oldest has waited."""

    queue: Queue
    waiting: int
    leased: int
    oldest_wait_seconds: float | None


_SUMS = (
    select(
        tallies.c.experiment_key,
        tallies.c.queue,
        func.sum(tallies.c.queued).label("waiting"),
        func.sum(tallies.c.running).label("leased"),
    )
    .group_by(tallies.c.experiment_key, tallies.c.queue)
    .subquery()
)
_SINCE = case((_SUMS.c.waiting > 0, experiments.c.created_at))
RUNS = (
    select(_SUMS.c.queue, func.sum(_SUMS.c.waiting), func.sum(_SUMS.c.leased), now() - func.min(_SINCE))
    .join(experiments, experiments.c.key == _SUMS.c.experiment_key)
    .where(experiments.c.state.in_(ACTIVE))
    .group_by(_SUMS.c.queue)
)
PROBES = (
    select(probes.c.state, func.count(), now() - func.min(probes.c.created_at))
    .where(probes.c.state.in_(OPEN))
    .group_by(probes.c.state)
)


def of_queues(connection: Connection) -> list[QueueDepth]:
    """The depth of every queue."""
    found = {queue: _depth(queue, *numbers) for queue, *numbers in connection.execute(RUNS)}
    asked = {state: (count, age) for state, count, age in connection.execute(PROBES)}
    waiting, age = asked.get(RunState.QUEUED, (0, None))
    leased, _ = asked.get(RunState.RUNNING, (0, None))
    found[Queue.PROBE] = _depth(Queue.PROBE, waiting, leased, age)
    return [found.get(queue) or _depth(queue, 0, 0, None) for queue in Queue]


def _depth(queue: Queue, waiting: int, leased: int, age: float | None) -> QueueDepth:
    return QueueDepth(queue, int(waiting), int(leased), None if age is None else round(float(age), 1))
