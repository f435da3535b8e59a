"""SQL over tallies: runs of an experiment by state, and how far they are, kept by increments.

Each unit of work adds what it changed. Workers add to rows of their own (shards), so that hundreds of them, busy with
one experiment, do not wait for each other; whoever reads takes the sum.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any
from zlib import crc32

from sqlalchemy import BigInteger, Connection, Select, bindparam, case, func, select

from service.queue_names import Queue
from service.storage.bulk import insert_rows
from service.storage.stacks import StackRecord
from service.storage.states import RunState
from service.storage.tables import experiments, runs, tallies
from service.storage.upserts import Upsert

SHARDS = 16
"""rows that the workers of an experiment share; one more is for everybody else"""
OTHERS = 0
"""the shard of those who are no workers"""


@dataclass(frozen=True)
class Change:
    """What a unit of work adds to the tally of the runs of one queue and engine.

    Attributes:
        epochs: done.
        left_seconds: of open runs, by the model of cost.
        modelled: seconds by the model of cost of runs that succeeded at their full length.
        measured: what those took.
    """

    queue: Queue
    engine: str
    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    epochs: float = 0.0
    left_seconds: float = 0.0
    modelled: float = 0.0
    measured: float = 0.0


NUMBERS = tuple(each.name for each in fields(Change) if each.name not in ("queue", "engine"))


@dataclass(frozen=True)
class Counted:
    """Runs of an experiment by state, and the epochs that all of them have done."""

    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int
    epochs: float

    @property
    def open(self) -> int:
        """How many have something to do."""
        return self.queued + self.running


def change(stack: StackRecord, **numbers: float) -> Change:
    """A change of the tally that a stack's runs are counted in."""
    return Change(stack.queue, stack.engine, **numbers)  # type: ignore[arg-type]


NONE = Counted(0, 0, 0, 0, 0, 0.0)


def shard_of(worker: str) -> int:
    """The shard that a worker adds to."""
    return 1 + crc32(worker.encode()) % SHARDS


def add(connection: Connection, experiment: int, changes: Iterable[Change], shard: int = OTHERS) -> None:
    """Add what was changed of an experiment's runs. Whoever adds to several experiments takes them in ascending order:
    of two units of work neither waits for the other then."""
    summed: dict[tuple[Queue, str], dict[str, float]] = {}
    for change in changes:
        numbers = summed.setdefault((change.queue, change.engine), dict.fromkeys(NUMBERS, 0))
        for name in NUMBERS:
            numbers[name] += getattr(change, name)
    rows = [
        {"experiment_key": experiment, "queue": queue, "engine": engine, "shard": shard, **numbers}
        for (queue, engine), numbers in sorted(summed.items())
    ]
    insert_rows(connection, tallies, rows, _adding)


def _adding(statement: Upsert) -> Upsert:
    changed = {name: tallies.c[name] + statement.excluded[name] for name in NUMBERS}
    return statement.on_conflict_do_update(index_elements=list(tallies.primary_key), set_=changed)


def of_experiments(connection: Connection, keys: Sequence[int]) -> dict[int, Counted]:
    """For each experiment its runs by state; zero for one that has none."""
    names = [each.name for each in fields(Counted)]
    sums = [func.coalesce(func.sum(tallies.c[name]), 0) for name in names]
    statement = select(tallies.c.experiment_key, *sums).where(tallies.c.experiment_key.in_(keys))
    found = dict.fromkeys(keys, NONE)
    for key, *numbers in connection.execute(statement.group_by(tallies.c.experiment_key)):
        queued, running, succeeded, failed, cancelled = map(int, numbers[:-1])
        found[key] = Counted(queued, running, succeeded, failed, cancelled, float(numbers[-1]))
    return found


OPEN_LEFT = select(func.coalesce(func.sum(tallies.c.queued + tallies.c.running), 0)).where(
    tallies.c.experiment_key == bindparam("experiment", type_=BigInteger)
)


def open_left(connection: Connection, key: int) -> int:
    """How many runs of an experiment have something to do; asked with every stack that is handed in."""
    return int(connection.execute(OPEN_LEFT, {"experiment": key}).scalar_one())


def of_experiment(connection: Connection, key: int) -> Counted:
    """The runs of one experiment by state."""
    return of_experiments(connection, [key])[key]


def wrong(connection: Connection) -> list[int]:
    """The experiments whose tallies are not what counting their runs gives; every one of them is a defect."""
    counted = _by_experiment(connection, _counting())
    kept = _by_experiment(connection, _keeping())
    zero = (0,) * (len(RunState) + 1)
    return sorted(key for key in counted.keys() | kept.keys() if _differ(counted.get(key, zero), kept.get(key, zero)))


def _by_experiment(connection: Connection, statement: Select[Any]) -> dict[int, Sequence[Any]]:
    return {key: numbers for key, *numbers in connection.execute(statement)}


def _counting() -> Select[Any]:
    """Runs by experiment, counted one by one."""
    states = [func.sum(case((runs.c.state == state, 1), else_=0)) for state in RunState]
    columns = (runs.c.experiment_key, *states, func.sum(runs.c.epochs_done))
    return select(*columns).where(runs.c.experiment_key.not_in(_deleted())).group_by(runs.c.experiment_key)


def _keeping() -> Select[Any]:
    numbers = [func.sum(tallies.c[name]) for name in (*RunState, "epochs")]
    mine = tallies.c.experiment_key.not_in(_deleted())
    return select(tallies.c.experiment_key, *numbers).where(mine).group_by(tallies.c.experiment_key)


def _deleted() -> Select[int]:
    """Experiments whose rows are going."""
    return select(experiments.c.key).where(experiments.c.deleted_at.is_not(None))


def _differ(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return any(abs(float(a) - float(b)) > 1e-6 * max(1.0, abs(float(a))) for a, b in zip(one, other, strict=True))
