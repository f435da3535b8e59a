"""SQL over stacks: the runs of a condition that are trained side by side, which is what a worker claims.

A stack is a row as long as its runs have something to do. All of them stand at one position of their training, wait or
run together, and are held under one lease.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Case, ColumnElement, Connection, bindparam, case, delete, func, select, update

from service.queue_names import Queue
from service.storage.bulk import insert_rows, reserve
from service.storage.moving import move
from service.storage.records import every, reading
from service.storage.states import OPEN, RunState, StackState
from service.storage.tables import runs, stacks


@dataclass(frozen=True)
class NewStack:
    """A stack as it is queued.

    Attributes:
        place: its number within the condition.
        runs: how many there are in it.
        seconds: that it takes of one worker, estimated.
        run_seconds: what each run adds to that, from its beginning to its end.
        resume_epoch: where they go on.
    """

    condition: int
    place: int
    queue: Queue
    engine: str
    runs: int
    seconds: float
    run_seconds: float
    resume_epoch: int = 0


@dataclass(frozen=True)
class StackRecord:
    """A stack that is there.

    Attributes:
        turn: where it stands among those of its rank; the least goes first.
        lost: leases lost in a row without a stored slice between.
    """

    key: int
    experiment_key: int
    condition: int
    place: int
    queue: Queue
    engine: str
    state: StackState
    rank: int
    turn: float
    runs: int
    seconds: float
    run_seconds: float
    resume_epoch: int
    resume_step: int
    lost: int
    lease: str | None
    worker: str | None

    @property
    def resumes(self) -> bool:
        """Whether its runs have snapshots to go on from."""
        return self.resume_epoch > 0 or self.resume_step > 0


WHOLE = reading(StackRecord, stacks)


def add(connection: Connection, experiment: int, priority: int, new: Sequence[NewStack]) -> Sequence[int]:
    """Queue stacks of an experiment, the longest first; their keys, in the order in which they were given."""
    keys = reserve(connection, stacks, len(new))
    turns = _turns(connection, -priority, new)
    place = {"experiment_key": experiment, "state": StackState.QUEUED, "rank": -priority}
    rows = [{"key": key, "turn": turn, **place, **vars(each)} for key, turn, each in zip(keys, turns, new, strict=True)]
    insert_rows(connection, stacks, rows)
    return keys


def _turns(connection: Connection, rank: int, new: Sequence[NewStack]) -> list[float]:
    """When each stack's turn is, in seconds of work.

    The longest of an experiment goes first, and each after those before it. Experiments begin where the queue stands
    when they come: so workers serve them in turn by the seconds that they take, none starves another, and nobody has to
    look at an experiment to find what is next.

    Source:
        Goyal, Vin & Cheng (1996), Start-time Fair Queueing, SIGCOMM.
    """
    turns = [0.0] * len(new)
    clocks: dict[Queue, float] = {}
    for index in sorted(range(len(new)), key=lambda each: -new[each].seconds):
        queue = new[index].queue
        turn = clocks[queue] if queue in clocks else standing(connection, queue, rank)
        turns[index] = turn
        clocks[queue] = turn + new[index].seconds
    return turns


def standing(connection: Connection, queue: Queue, rank: int) -> float:
    """The turn that a queue has come to: of the first stack that waits, else of the last one that was claimed."""
    for state, order in ((StackState.QUEUED, stacks.c.turn), (StackState.RUNNING, stacks.c.turn.desc())):
        mine = (stacks.c.queue == queue, stacks.c.state == state, stacks.c.rank == rank)
        found = connection.execute(select(stacks.c.turn).where(*mine).order_by(order).limit(1)).scalar_one_or_none()
        if found is not None:
            return float(found)
    return 0.0


HELD = (
    WHOLE.where(stacks.c.lease == bindparam("held"), stacks.c.state == StackState.RUNNING)
    .order_by(stacks.c.key)
    .with_for_update()
)


def lock_held(connection: Connection, lease: str) -> dict[int, StackRecord]:
    """The stacks still held under a lease, by their keys, kept from changing until the unit of work ends."""
    return {row.key: row for row in every(connection, StackRecord, HELD, {"held": lease})}


@dataclass(frozen=True)
class HeldStack(StackRecord):
    """A stack that is held, with the epochs that its open runs have done so far, all together."""

    epochs_done: float


HELD_SO_FAR = (
    reading(
        HeldStack,
        stacks,
        epochs_done=func.coalesce(
            select(func.sum(runs.c.epochs_done))
            .where(runs.c.stack_key == stacks.c.key, runs.c.state == RunState.RUNNING)
            .scalar_subquery(),
            0.0,
        ),
    )
    .where(stacks.c.lease == bindparam("held"), stacks.c.state == StackState.RUNNING)
    .order_by(stacks.c.key)
    .with_for_update(of=stacks)
)


def lock_held_so_far(connection: Connection, lease: str) -> dict[int, HeldStack]:
    """The same with how far they are."""
    return {row.key: row for row in every(connection, HeldStack, HELD_SO_FAR, {"held": lease})}


def drop(connection: Connection, keys: Collection[int]) -> None:
    """Forget stacks whose runs have all ended."""
    connection.execute(delete(stacks).where(stacks.c.key.in_(keys)))


def lock_waiting(connection: Connection, experiment: int, most: int) -> list[StackRecord]:
    """Some stacks of an experiment that wait or are set aside, kept from changing; those that change now are left."""
    waiting = stacks.c.state.in_([StackState.QUEUED, StackState.ASIDE])
    statement = WHOLE.where(stacks.c.experiment_key == experiment, waiting).order_by(stacks.c.key).limit(most)
    return every(connection, StackRecord, statement.with_for_update(skip_locked=True))


def set_aside(connection: Connection, experiment: int, most: int) -> int:
    """Let some waiting stacks of an experiment rest: they are not served; how many."""
    some = stacks.c.key.in_(_some(connection, most, stacks.c.experiment_key == experiment, state=StackState.QUEUED))
    return len(move(connection, stacks, StackState.ASIDE, some, source=StackState.QUEUED))


def bring_back(connection: Connection, experiment: int, most: int, later: Mapping[tuple[Queue, int], float]) -> int:
    """Let some stacks that were set aside wait again, those that come first before the others; how many.

    Args:
        later: for each queue and rank, by how much their turns are put off.
    """
    moved = 0
    for (queue, rank), seconds in later.items():
        mine = (stacks.c.experiment_key == experiment, stacks.c.queue == queue, stacks.c.rank == rank)
        some = stacks.c.key.in_(_some(connection, most, *mine, state=StackState.ASIDE, first=True))
        values = {"turn": stacks.c.turn + seconds}
        moved += len(move(connection, stacks, StackState.QUEUED, some, values=values, source=StackState.ASIDE))
    return moved


def put_off(connection: Connection, experiment: int) -> dict[tuple[Queue, int], float]:
    """For each queue and rank in which an experiment's stacks were set aside, by how much the queue has gone on since.

    What rested for a while must not be served before all others until it has caught up. Those that were brought back
    before stay in front of it: a large experiment comes back a few at a time, in the order that it had.
    """
    mine = (stacks.c.experiment_key == experiment, stacks.c.state == StackState.ASIDE)
    statement = select(stacks.c.queue, stacks.c.rank, func.min(stacks.c.turn)).where(*mine)
    return {
        (queue, rank): max(
            0.0, standing(connection, queue, rank) - first, _end(connection, experiment, queue, rank) - first
        )
        for queue, rank, first in connection.execute(statement.group_by(stacks.c.queue, stacks.c.rank)).all()
    }


def _end(connection: Connection, experiment: int, queue: Queue, rank: int) -> float:
    """The turn that comes after those stacks of an experiment that are served in a queue and rank; 0 if none is."""
    served = stacks.c.state.in_([StackState.QUEUED, StackState.RUNNING])
    mine = (stacks.c.experiment_key == experiment, stacks.c.queue == queue, stacks.c.rank == rank, served)
    statement = select(stacks.c.turn + stacks.c.seconds).where(*mine).order_by(stacks.c.turn.desc()).limit(1)
    return float(connection.execute(statement).scalar_one_or_none() or 0.0)


def _some(
    connection: Connection, most: int, *mine: ColumnElement[bool], state: StackState, first: bool = False
) -> list[int]:
    """Keys of some stacks that stand somewhere, the last or the first ones, locked; those that change now are left."""
    order = (stacks.c.turn, stacks.c.key) if first else (stacks.c.turn.desc(), stacks.c.key.desc())
    statement = select(stacks.c.key).where(*mine, stacks.c.state == state).order_by(*order).limit(most)
    return list(connection.execute(statement.with_for_update(skip_locked=True)).scalars())


def open_runs(connection: Connection, key: int) -> list[int]:
    """The keys of the runs of a stack, in the order of repeats."""
    statement = select(runs.c.key).where(runs.c.stack_key == key, runs.c.state.in_(OPEN)).order_by(runs.c.repeat)
    return list(connection.execute(statement).scalars())


def split(connection: Connection, stack: StackRecord, parts: Sequence[Sequence[int]]) -> list[StackRecord]:
    """Divide a stack, which the caller has locked: the first part stays in it, the others get stacks of their own.

    A run's numbers are the same whoever is trained beside it, so dividing a stack changes when it is done and nothing
    else.

    Args:
        parts: keys of runs, all of them together the whole stack.
    """
    sizes = [len(part) for part in parts]
    keys = [stack.key, *reserve(connection, stacks, len(parts) - 1)]
    made = [
        replace(stack, key=key, runs=size, seconds=_seconds(stack, size)) for key, size in zip(keys, sizes, strict=True)
    ]
    connection.execute(
        update(stacks).where(stacks.c.key == stack.key).values(runs=made[0].runs, seconds=made[0].seconds)
    )
    until = connection.execute(select(stacks.c.lease_until).where(stacks.c.key == stack.key)).scalar_one()
    insert_rows(connection, stacks, [{**vars(each), "lease_until": until} for each in made[1:]])
    for each, part in zip(made[1:], parts[1:], strict=True):
        connection.execute(update(runs).where(runs.c.key.in_(part)).values(stack_key=each.key))
    return made


def _seconds(stack: StackRecord, count: int) -> float:
    """What a part takes; torch trains a stack of fixed width, be it full or not."""
    return stack.seconds * count / stack.runs if stack.engine == "fused" else stack.seconds


def halves(keys: Sequence[int]) -> list[Sequence[int]]:
    """Two parts of about the same size."""
    middle = (len(keys) + 1) // 2
    return [keys[:middle], keys[middle:]]


def wrong(connection: Connection) -> list[int]:
    """The stacks without the open runs that they should have, and the experiments' open runs without a stack.

    Every one of them is a defect; the keys of stacks, 0 for runs that have none.
    """
    counted = (
        select(func.count())
        .where(runs.c.stack_key == stacks.c.key, runs.c.state == _state_of_runs())
        .correlate(stacks)
        .scalar_subquery()
    )
    found = list(connection.execute(select(stacks.c.key).where(stacks.c.runs != counted)).scalars())
    homeless = (
        select(func.count())
        .select_from(runs)
        .outerjoin(stacks, stacks.c.key == runs.c.stack_key)
        .where(runs.c.state.in_(OPEN), stacks.c.key.is_(None))
    )
    return [*found, *([0] if connection.execute(homeless).scalar_one() else [])]


def _state_of_runs() -> Case[Any]:
    """Where the runs of a stack stand."""
    return case((stacks.c.state == StackState.RUNNING, RunState.RUNNING), else_=RunState.QUEUED)
