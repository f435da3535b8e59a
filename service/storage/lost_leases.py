"""Lost leases: stacks and probes whose worker is gone. They go back into their queue, or fail if it happens too often.

Nobody can tell which run took a worker down, or whether any did. So stacks that were lost are claimed one by one from
then on, a stack that is lost again without a stored slice between is divided, and a run fails that was alone when its
worker was lost again and again.
"""

from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, Table, and_, select

from service.counts import Counted
from service.queue_names import TRAINING
from service.storage.clock import now
from service.storage.counters import note
from service.storage.leases import held, put_back
from service.storage.moving import move
from service.storage.stacks import StackRecord, halves, lock_held, open_runs, split
from service.storage.states import Reason, RunState, StackState
from service.storage.tables import probes, stacks


@dataclass(frozen=True)
class LostStacks:
    """What became of the stacks of one lease.

    Attributes:
        back: those that wait again, as they are now.
        failing: those of one run that was lost too often; still held.
    """

    back: tuple[StackRecord, ...]
    failing: tuple[StackRecord, ...]


@dataclass(frozen=True)
class LostProbes:
    """How many probes of an experiment went back into their queue, and how many failed."""

    back: int
    failed: int


def lapsed(connection: Connection) -> list[str]:
    """The leases of stacks that have run out."""
    return _leases(connection, stacks, _has_lapsed(stacks))


def held_by(connection: Connection, worker: str) -> list[str]:
    """The leases of stacks that a worker holds."""
    return _leases(connection, stacks, _is_held_by(stacks, worker))


def _leases(connection: Connection, table: Table, lost: ColumnElement[bool]) -> list[str]:
    return list(connection.execute(select(table.c.lease).where(lost).distinct().order_by(table.c.lease)).scalars())


def lose(connection: Connection, lease: str, most: int, worker: str | None = None) -> LostStacks:
    """Take back the stacks of a lease that has run out, or that a dead worker held.

    Those that fail with their ``most``-th loss in a row are left to the caller, who knows what follows.

    Args:
        worker: who held it and is dead; None takes only what has run out.
    """
    lost = _has_lapsed(stacks) if worker is None else _is_held_by(stacks, worker)
    locked = lock_held(connection, lease)  # before it is looked at: a beat may be renewing it
    keys = connection.execute(select(stacks.c.key).where(held(stacks, lease), lost)).scalars()
    found = [locked[key] for key in sorted(keys)]
    back, failing = list[StackRecord](), list[StackRecord]()
    for stack in found:
        if len(found) == 1 and stack.runs == 1 and stack.lost >= most - 1:
            failing.append(stack)
            continue
        again = len(found) == 1 and stack.runs > 1 and stack.lost > 0
        parts = split(connection, stack, halves(open_runs(connection, stack.key))) if again else [stack]
        put_back(connection, [part.key for part in parts], {"lost": 1 if parts[1:] else stack.lost + 1})
        back += [replace(part, state=StackState.QUEUED) for part in parts]
    note(connection, Counted.LEASES_LOST, "runs", sum(stack.runs for stack in found))
    return LostStacks(tuple(back), tuple(failing))


def experiments_of_lost_probes(connection: Connection, worker: str | None = None) -> list[int]:
    """The experiments with probes whose lease has run out, or that a dead worker holds."""
    lost = _has_lapsed(probes) if worker is None else _is_held_by(probes, worker)
    return sorted(connection.execute(select(probes.c.experiment_key).where(lost).distinct()).scalars())


def lose_probes(connection: Connection, experiment: int, most: int, worker: str | None = None) -> LostProbes:
    """Take back the probes of an experiment whose lease has run out, or that a dead worker held.

    They fail at the ``most``-th loss in a row.
    """
    lost = _has_lapsed(probes) if worker is None else _is_held_by(probes, worker)
    mine = (probes.c.experiment_key == experiment, lost)
    values = {"lost": probes.c.lost + 1}
    ending = {**values, "reason": Reason.WORKER_LOST, "detail": lost_too_often(most), "finished_at": now()}
    often = probes.c.lost >= most - 1
    failed = move(connection, probes, RunState.FAILED, *mine, often, source=RunState.RUNNING, values=ending)
    back = move(connection, probes, RunState.QUEUED, *mine, source=RunState.RUNNING, values=values)
    note(connection, Counted.LEASES_LOST, "probes", len(back) + len(failed))
    return LostProbes(len(back), len(failed))


def lost_too_often(most: int) -> str:
    """Why something failed that took its worker down, or seemed to."""
    return f"Its worker was lost {most} times in a row without getting anywhere."


def _has_lapsed(table: Table) -> ColumnElement[bool]:
    return and_(_runs(table), table.c.lease_until < now())


def _is_held_by(table: Table, worker: str) -> ColumnElement[bool]:
    return and_(_runs(table), table.c.worker == worker)


def _runs(table: Table) -> ColumnElement[bool]:
    """Rows that somebody holds; named by all that leads an index, for many more may wait."""
    running = table.c.state == RunState.RUNNING
    return and_(table.c.queue.in_(TRAINING), running) if table is stacks else running
