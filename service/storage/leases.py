"""Leases: the row is the job. Claiming, beating and giving back stacks and probes.

A lease is a token that no other lease ever has, and the time for which its rows are a worker's. Every write of a worker
asks for rows that still carry its token and still run, so a worker that lost its lease writes nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Table, and_, bindparam, exists, func, select, update

from service.queue_names import TRAINING, Queue
from service.storage.clock import now
from service.storage.moving import move, move_rows
from service.storage.records import every
from service.storage.stacks import WHOLE, StackRecord
from service.storage.states import RunState, StackState
from service.storage.tables import probes, runs, stacks


@dataclass(frozen=True)
class Holder:
    """Who claims, under which token, and for how long."""

    lease: str
    worker: str
    lease_seconds: float

    def values(self) -> dict[str, Any]:
        """What a claimed row is set to."""
        return {"lease": self.lease, "worker": self.worker, "lease_until": now() + self.lease_seconds}


@dataclass(frozen=True)
class Helping:
    """How much is claimed at once.

    Attributes:
        most: stacks.
        seconds: that they take together, estimated; one is claimed however long it takes.
    """

    most: int = 1
    seconds: float = 0.0


ONE = Helping()


FIRST = (
    WHOLE.where(stacks.c.queue == bindparam("queue"), stacks.c.state == StackState.QUEUED)
    .order_by(stacks.c.rank, stacks.c.turn, stacks.c.key)
    .limit(bindparam("most", literal_execute=True, type_=Integer))  # as a parameter it is planned anew at each claim
    .with_for_update(skip_locked=True)
)


def next_stacks(connection: Connection, queues: Sequence[Queue], helping: Helping = ONE) -> list[StackRecord]:
    """The stacks that come next in some queues, all of one of them, locked until the unit of work ends.

    They are found by an index, whatever waits, and those that another worker is about to claim are passed over: by
    rank, which is the experiment's priority, then by turn. A stack that was lost before comes alone, so that one that
    takes its worker down takes no other stack with it.

    Args:
        queues: of those whose next stacks have the same rank the one that is named first goes first.
    """
    for queue in _by_rank(connection, queues):
        found = every(connection, StackRecord, FIRST, {"queue": queue, "most": helping.most})
        if found:
            return _helped(found, helping.seconds)
    return []


def _by_rank(connection: Connection, queues: Sequence[Queue]) -> Sequence[Queue]:
    """Queues by the rank of what comes next in them, then as they were given; a worker with one needs no look.

    Turns count the work of one queue, each from its own beginning: those of two queues say nothing about each other.
    """
    if len(queues) == 1:
        return queues
    heads = []
    for place, queue in enumerate(queues):
        waiting = (stacks.c.queue == queue, stacks.c.state == StackState.QUEUED)
        statement = select(stacks.c.rank).where(*waiting).order_by(stacks.c.rank).limit(1)
        rank = connection.execute(statement).scalar_one_or_none()
        if rank is not None:
            heads.append((rank, place, queue))
    return [queue for *_, queue in sorted(heads)]


def _helped(found: Sequence[StackRecord], seconds: float) -> list[StackRecord]:
    """As many of those that come next as are done in so many seconds, the first whatever it takes."""
    taken = list(found[:1])
    for each in found[1:]:
        if taken[0].lost or each.lost or sum(stack.seconds for stack in taken) + each.seconds > seconds:
            break
        taken.append(each)
    return taken


@dataclass(frozen=True)
class ClaimedRow:
    """A run of a claimed stack."""

    key: int
    stack_key: int
    repeat: int
    width: int
    attempt: int


CLAIMED = (runs.c.key, runs.c.stack_key, runs.c.repeat, runs.c.width, runs.c.attempt)


def claim_stacks(connection: Connection, holder: Holder, keys: Collection[int]) -> list[ClaimedRow]:
    """Take stacks that the caller has locked; their runs in the order of repeats. The attempt counts every claim."""
    claimed = stacks.c.key.in_(keys)
    move(connection, stacks, StackState.RUNNING, claimed, values=holder.values(), source=StackState.QUEUED)
    values = {"attempt": runs.c.attempt + 1, "started_at": func.coalesce(runs.c.started_at, now())}
    mine = runs.c.stack_key.in_(keys)
    moved = move_rows(
        connection, runs, RunState.RUNNING, mine, values=values, source=RunState.QUEUED, returning=CLAIMED
    )
    return sorted(starmap(ClaimedRow, moved), key=lambda row: (row.stack_key, row.repeat))


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
    values = {**holder.values(), "attempt": probes.c.attempt + 1}
    keys = move(connection, probes, RunState.RUNNING, probes.c.key == chosen, values=values)
    return keys[0] if keys else None


def held(table: Table, lease: str) -> ColumnElement[bool]:
    """The fence: rows that run under this very lease."""
    return and_(table.c.lease == lease, table.c.state == RunState.RUNNING)


def beat(connection: Connection, lease: str, lease_seconds: float) -> int:
    """Renew the lease of its rows; how many there still are."""
    renewed = 0
    for table in (stacks, probes):
        statement = update(table).where(held(table, lease)).values(lease_until=now() + lease_seconds)
        renewed += connection.execute(statement).rowcount
    return renewed


def put_back(connection: Connection, keys: Collection[int], values: dict[str, Any] | None = None) -> None:
    """Put running stacks, which the caller has locked, with their runs back into their queue.

    Args:
        values: what is changed of the stacks.
    """
    claimed = stacks.c.key.in_(keys)
    move(connection, stacks, StackState.QUEUED, claimed, values=values, source=StackState.RUNNING)
    move(connection, runs, RunState.QUEUED, runs.c.stack_key.in_(keys), source=RunState.RUNNING)


def give_back_probe(connection: Connection, lease: str) -> None:
    """Put the probe held under a lease back into its queue, without blame."""
    move(connection, probes, RunState.QUEUED, held(probes, lease), source=RunState.RUNNING)


def _stack_waits(queue: Queue) -> ColumnElement[bool]:
    return exists().where(stacks.c.queue == queue, stacks.c.state == StackState.QUEUED)


WAITING = {
    **{queue: _stack_waits(queue) for queue in TRAINING},
    Queue.PROBE: exists().where(probes.c.state == RunState.QUEUED),
}


def waiting_queues(connection: Connection, queues: Sequence[Queue] = tuple(Queue)) -> list[Queue]:
    """Those of some queues in which something waits that may be claimed; found by index, however much waits."""
    asked = [queue for queue in WAITING if queue in queues]
    found = connection.execute(select(*(WAITING[queue] for queue in asked))).one()
    return [queue for queue, there in zip(asked, found, strict=True) if there]
