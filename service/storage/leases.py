"""Leases: the row is the job. Claiming, beating and giving back rows of runs and probes.

A lease is a token that no other lease ever has, and the time for which its rows are a worker's. Every write of a worker
asks for rows that still carry its token and still run, so a worker that lost its lease writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Exists, Table, and_, exists, func, select, update

from service.queue_names import Queue
from service.storage.clock import now
from service.storage.moving import move
from service.storage.states import CLAIMABLE, RunState
from service.storage.tables import experiments, probes, runs


@dataclass(frozen=True)
class Holder:
    """Who claims, under which token, and for how long."""

    lease: str
    worker: str
    lease_seconds: float

    def values(self, table: Table) -> dict[str, Any]:
        """What a claimed row is set to; the attempt counts every claim."""
        return {
            "lease": self.lease,
            "worker": self.worker,
            "lease_until": now() + self.lease_seconds,
            "attempt": table.c.attempt + 1,
        }


def claim_runs(connection: Connection, holder: Holder, queues: Sequence[Queue]) -> list[int]:
    """Claim queued runs of one stack, all at the same position; their keys, or [] when nothing waits.

    The experiment is chosen by priority, then by who has the fewest running runs, then by who was served longest ago:
    so no experiment starves another, be there many workers or one. Within it the longest work goes first, so that no
    worker is left with it alone.
    """
    experiment = _next_experiment(connection, queues)
    if experiment is None or not _still_claimable(connection, experiment):
        return []
    waiting = (runs.c.experiment_key == experiment, runs.c.state == RunState.QUEUED, runs.c.queue.in_(queues))
    places = (runs.c.condition, runs.c.stack, runs.c.resume_epoch, runs.c.resume_step)
    chosen = connection.execute(
        select(*places)
        .where(*waiting)
        .order_by(runs.c.stack_seconds.desc(), runs.c.key)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if chosen is None:
        return []
    mates = select(runs.c.key).where(*waiting, *(column == value for column, value in zip(places, chosen, strict=True)))
    keys = list(connection.execute(mates.order_by(runs.c.key).with_for_update(skip_locked=True)).scalars())
    connection.execute(update(experiments).where(experiments.c.key == experiment).values(served_at=now()))
    values = holder.values(runs) | {"started_at": func.coalesce(runs.c.started_at, now())}
    return move(connection, runs, RunState.RUNNING, runs.c.key.in_(keys), values=values)


def _next_experiment(connection: Connection, queues: Sequence[Queue]) -> int | None:
    busy = (
        select(func.count())
        .where(runs.c.experiment_key == experiments.c.key, runs.c.state == RunState.RUNNING)
        .scalar_subquery()
    )
    waits = exists().where(
        runs.c.experiment_key == experiments.c.key, runs.c.state == RunState.QUEUED, runs.c.queue.in_(queues)
    )
    served = func.coalesce(experiments.c.served_at, experiments.c.created_at)
    statement = (
        select(experiments.c.key)
        .where(experiments.c.state.in_(CLAIMABLE), waits)
        .order_by(experiments.c.priority.desc(), busy, served, experiments.c.key)
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def _still_claimable(connection: Connection, experiment: int) -> bool:
    """Lock the experiment, as every writer to it does first, and see whether it was paused or cancelled meanwhile."""
    statement = select(experiments.c.state).where(experiments.c.key == experiment).with_for_update()
    return connection.execute(statement).scalar_one_or_none() in CLAIMABLE


def claim_probe(connection: Connection, holder: Holder) -> int | None:
    """Claim the oldest queued probe; those that an experiment waits for go first."""
    chosen = connection.execute(
        select(probes.c.key)
        .where(probes.c.state == RunState.QUEUED)
        .order_by(probes.c.required.desc(), probes.c.key)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).scalar_one_or_none()
    if chosen is None:
        return None
    keys = move(connection, probes, RunState.RUNNING, probes.c.key == chosen, values=holder.values(probes))
    return keys[0] if keys else None


def held(table: Table, lease: str) -> ColumnElement[bool]:
    """The fence: rows that run under this very lease."""
    return and_(table.c.lease == lease, table.c.state == RunState.RUNNING)


def lock_held_runs(connection: Connection, lease: str) -> list[int]:
    """The keys of the runs still held under a lease, which are kept from changing until the unit of work ends."""
    return list(connection.execute(select(runs.c.key).where(held(runs, lease)).with_for_update()).scalars())


def beat(connection: Connection, lease: str, lease_seconds: float) -> int:
    """Renew the lease of its rows; how many there still are."""
    renewed = 0
    for table in (runs, probes):
        statement = update(table).where(held(table, lease)).values(lease_until=now() + lease_seconds)
        renewed += connection.execute(statement).rowcount
    return renewed


def give_back(connection: Connection, lease: str) -> None:
    """Put the runs still held under a lease back into their queue, without blame."""
    move(connection, runs, RunState.QUEUED, held(runs, lease), source=RunState.RUNNING)


def put_back(connection: Connection, keys: Sequence[int]) -> None:
    """Put some running runs back into their queue, without blame."""
    move(connection, runs, RunState.QUEUED, runs.c.key.in_(keys), source=RunState.RUNNING)


def _run_waits(queue: Queue) -> Exists:
    """Whether a queued run of ``queue`` belongs to an experiment that may be served."""
    mine = (runs.c.experiment_key == experiments.c.key, runs.c.state == RunState.QUEUED, runs.c.queue == queue)
    return exists().where(experiments.c.state.in_(CLAIMABLE), exists().where(*mine).correlate(experiments))


WAITING = {
    Queue.CPU: _run_waits(Queue.CPU),
    Queue.GPU: _run_waits(Queue.GPU),
    Queue.PROBE: exists().where(probes.c.state == RunState.QUEUED),
}
WAITS = select(*WAITING.values())
"""whether anything waits in each of the queues; asked for every claim, so made once"""


def waiting_queues(connection: Connection) -> list[Queue]:
    """The queues in which something waits that may be claimed; found by index, however much waits."""
    found = connection.execute(WAITS).one()
    return [queue for queue, there in zip(WAITING, found, strict=True) if there]
