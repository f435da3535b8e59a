"""SQL over workers and leaderships."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Subquery, Table, delete, func, select, update

from service.queue_names import TRAINING, Queue
from service.storage.clock import now
from service.storage.records import every, reading
from service.storage.states import RunState
from service.storage.tables import leaderships, probes, stacks, workers
from service.storage.upserts import upsert

PRESENCE_SECONDS = 2.0
"""between two signs of life of a worker, at most"""


@dataclass(frozen=True)
class Identity:
    """A worker process.

    Attributes:
        name: unique for ever.
        parent: token of the process that started it and takes back its leases when it dies.
        device: where it computes: cpu, or cuda.
        memory_limit: bytes that it may take; None of a worker of a version that doesn't tell.
    """

    name: str
    parent: str
    host: str
    pid: int
    queues: tuple[Queue, ...]
    device: str
    memory_limit: int | None


@dataclass(frozen=True)
class WorkerRecord(Identity):
    """A known worker.

    Attributes:
        started_at: in seconds since 1970 UTC.
        age: seconds since its last beat.
        held: the experiment whose rows it holds now.
        memory_bytes: resident at its last beat; None before that, and where nobody can tell.
    """

    started_at: float
    age: float
    held: int | None
    memory_bytes: int | None


def register(connection: Connection, identity: Identity) -> None:
    """A worker says that it is there."""
    row = {**vars(identity), "state": "idle", "lease": None}
    statement = upsert(connection, workers).values(started_at=now(), beat_at=now(), **row)
    changed = {**row, "beat_at": now()}
    connection.execute(statement.on_conflict_do_update(index_elements=[workers.c.name], set_=changed))


def beat(connection: Connection, name: str, state: str, lease: str | None, memory_bytes: int | None = None) -> bool:
    """A worker is still there; False when nobody knows it any more."""
    values = {"beat_at": now(), "state": state, "lease": lease, "memory_bytes": memory_bytes}
    return connection.execute(update(workers).where(workers.c.name == name).values(**values)).rowcount == 1


def leave(connection: Connection, name: str) -> None:
    connection.execute(delete(workers).where(workers.c.name == name))


def _held(table: Table, *where: ColumnElement[bool]) -> Subquery:
    """The experiment of the rows of a table that each worker holds. A probe is asked in the middle of training."""
    running = (table.c.state == RunState.RUNNING, *where)
    held = select(table.c.worker, func.min(table.c.experiment_key).label("experiment"))
    return held.where(*running).group_by(table.c.worker).subquery()


ASKED, TRAINED = _held(probes), _held(stacks, stacks.c.queue.in_(TRAINING))
ALL = (
    reading(
        WorkerRecord,
        workers,
        age=now() - workers.c.beat_at,
        held=func.coalesce(ASKED.c.experiment, TRAINED.c.experiment),
    )
    .outerjoin(ASKED, ASKED.c.worker == workers.c.name)
    .outerjoin(TRAINED, TRAINED.c.worker == workers.c.name)
    .order_by(workers.c.started_at, workers.c.name)
)
CHILDREN = reading(Identity, workers)


def known(connection: Connection) -> list[WorkerRecord]:
    """Every known worker.

    What it works on is told by the rows that it holds: a beat is up to a quarter of a lease old.
    """
    return every(connection, WorkerRecord, ALL)


def memory_limits(connection: Connection, seconds: float) -> list[tuple[tuple[Queue, ...], int]]:
    """The queues and the limit of every worker that has beaten lately and tells it."""
    heard = workers.c.beat_at >= now() - seconds
    told = select(workers.c.queues, workers.c.memory_limit).where(heard, workers.c.memory_limit.is_not(None))
    return [(row.queues, row.memory_limit) for row in connection.execute(told)]


def children(connection: Connection, parent: str) -> list[Identity]:
    """The workers that a process has started."""
    return every(connection, Identity, CHILDREN.where(workers.c.parent == parent))


def beats_of_others(connection: Connection, host: str, parent: str) -> dict[str, float]:
    """When the workers of a host that ``parent`` did not start last beat, by their names."""
    mine = (workers.c.host == host, workers.c.parent != parent)
    return {row.name: row.beat_at for row in connection.execute(select(workers.c.name, workers.c.beat_at).where(*mine))}


def forget_silent(connection: Connection, seconds: float) -> None:
    """Drop workers that have not beaten for so long."""
    connection.execute(delete(workers).where(workers.c.beat_at < now() - seconds))


def lead(connection: Connection, name: str, owner: str, seconds: float) -> bool:
    """Take or keep a leadership; whether ``owner`` has it now."""
    new = upsert(connection, leaderships).values(name=name, owner=owner, until=now() + seconds)
    free = (leaderships.c.until < now()) | (leaderships.c.owner == owner)
    statement = new.on_conflict_do_update(
        index_elements=[leaderships.c.name], set_={"owner": owner, "until": now() + seconds}, where=free
    )
    return connection.execute(statement.returning(leaderships.c.owner)).scalar_one_or_none() == owner
