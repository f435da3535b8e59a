"""Deleting an experiment with all that hangs on it: it is marked, which hides it, and its rows go a few at a time."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, delete, exists, func, or_, select, update

from service.storage.clock import now
from service.storage.moving import move
from service.storage.states import RunState
from service.storage.tables import (
    blobs,
    checkpoints,
    conditions,
    datasets,
    endings,
    events,
    experiments,
    metrics,
    pieces,
    probes,
    runs,
    snapshots,
    stacks,
    tallies,
    uploads,
)

TURN_NUMBER = 7_219_831
"""PostgreSQL advisory lock: deletions take turns"""
COUNTED = 1_000
"""runs whose rows are counted in one statement"""
EVENTS = 5_000
"""events that go in one unit of work"""
OWN = (stacks, conditions, tallies, endings, events, probes)
"""the tables, beside that of runs, whose rows name their experiment"""


@dataclass(frozen=True)
class Freed:
    """What a deletion frees: rows, and bytes of weights that nobody else uses.

    Attributes:
        exact: False where not all was counted, and the rest was reckoned from that.
    """

    rows: int
    bytes: int
    exact: bool = True


NOTHING = Freed(0, 0)


def mark(connection: Connection, experiment: int) -> None:
    """Delete an experiment, which the caller has locked, for all who ask; nobody asks it anything any more."""
    mine = experiments.c.key == experiment
    connection.execute(update(experiments).where(mine).values(deleted_at=now(), idempotency_key=None))
    of_it = probes.c.experiment_key == experiment
    move(connection, probes, RunState.CANCELLED, of_it, values={"finished_at": now()})


def marked(connection: Connection, seconds: float = 0.0) -> list[int]:
    """The experiments that were deleted, longer than some seconds ago, and of which rows are left; the oldest first."""
    statement = select(experiments.c.key).where(experiments.c.deleted_at <= now() - seconds)
    return list(connection.execute(statement.order_by(experiments.c.deleted_at, experiments.c.key)).scalars())


def size(connection: Connection, experiment: int, seconds: float = inf) -> Freed:
    """What deleting an experiment would free.

    Args:
        seconds: after which what was not counted yet is reckoned from what was, run for run.
    """
    until = time.monotonic() + seconds
    own = sum(_count(connection, table, table.c.experiment_key == experiment) for table in OWN)
    keys = list(connection.execute(select(runs.c.key).where(runs.c.experiment_key == experiment)).scalars())
    keys.sort()
    counted, rows, size_bytes = 0, 0, 0
    while counted < len(keys) and (not counted or time.monotonic() < until):
        part = keys[counted : counted + COUNTED]
        more = _of_runs(connection, experiment, part)
        counted, rows, size_bytes = counted + len(part), rows + more.rows, size_bytes + more.bytes
    share = len(keys) / counted if counted else 1.0
    return Freed(own + len(keys) + round(rows * share) + 1, round(size_bytes * share), counted == len(keys))


def _count(connection: Connection, table: Table, where: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(table).where(where)).scalar_one())


def _of_runs(connection: Connection, experiment: int, keys: Sequence[int]) -> Freed:
    """What some runs of an experiment hold, ascending; weights that several runs share count with the first."""
    rows = sum(_count(connection, table, table.c.run_key.in_(keys)) for table in (metrics, checkpoints, snapshots))
    mine = select(checkpoints.c.sha256).where(checkpoints.c.run_key.in_(keys))
    elsewhere = or_(runs.c.experiment_key != experiment, runs.c.key < keys[0])
    joined = select(checkpoints.c.key).join(runs, runs.c.key == checkpoints.c.run_key)
    others = exists(joined.where(checkpoints.c.sha256 == blobs.c.sha256, elsewhere).correlate(blobs))
    weights = select(blobs.c.sha256, blobs.c.bytes).where(blobs.c.sha256.in_(mine), ~others)
    sizes = {row.sha256: int(row.bytes) for row in connection.execute(weights)}
    waiting = select(func.coalesce(func.sum(snapshots.c.bytes), 0)).where(snapshots.c.run_key.in_(keys))
    snapshot_bytes = int(connection.execute(waiting).scalar_one())
    rows += len(sizes) + _piece_rows(connection, uploads.c.run_key.in_(keys))
    rows += _piece_rows(connection, uploads.c.sha256.in_(weights.with_only_columns(blobs.c.sha256)))
    return Freed(rows, sum(sizes.values()) + snapshot_bytes)


def _piece_rows(connection: Connection, own: ColumnElement[bool]) -> int:
    """Rows of large contents, which go with the row that they are of."""
    both = select(func.count(uploads.c.key.distinct()), func.count(pieces.c.number))
    uploaded, parts = connection.execute(both.outerjoin_from(uploads, pieces).where(own)).one()
    return int(uploaded + parts)


def remove_some(connection: Connection, experiment: int, most: int) -> bool:
    """Remove some runs of an experiment that was deleted, with all of theirs, or what is left of it without any.

    Several that do so take turns at its row.

    Returns:
        whether something may be left.
    """
    mine = (experiments.c.key == experiment, experiments.c.deleted_at.is_not(None))
    locked = select(experiments.c.key).where(*mine).with_for_update()
    if connection.execute(locked).one_or_none() is None:
        return False
    some = select(runs.c.key).where(runs.c.experiment_key == experiment).limit(most)
    if keys := list(connection.execute(some).scalars()):
        _remove_runs(connection, keys)
        return True
    if _remove_events(connection, experiment):
        return True
    for table in OWN:
        connection.execute(delete(table).where(table.c.experiment_key == experiment))
    connection.execute(delete(experiments).where(*mine))
    return False


def _remove_runs(connection: Connection, keys: Sequence[int]) -> None:
    take_turn(connection)
    names = set(connection.execute(select(checkpoints.c.sha256).where(checkpoints.c.run_key.in_(keys))).scalars())
    lock_weights(connection, names)
    of_them: Select[Any] = select(checkpoints.c.key).where(checkpoints.c.run_key.in_(keys))
    connection.execute(delete(probes).where(probes.c.checkpoint_key.in_(of_them)))
    for table in (metrics, snapshots, checkpoints):
        connection.execute(delete(table).where(table.c.run_key.in_(keys)))
    drop_unused(connection, names)
    connection.execute(delete(runs).where(runs.c.key.in_(keys)))


def _remove_events(connection: Connection, experiment: int) -> int:
    mine = events.c.experiment_key == experiment
    first = select(events.c.sequence).where(mine).order_by(events.c.sequence).limit(EVENTS).subquery()
    last = select(func.max(first.c.sequence)).scalar_subquery()
    return connection.execute(delete(events).where(mine, events.c.sequence <= last)).rowcount


def take_turn(connection: Connection) -> None:
    """Two experiments that share weights and go at once would each leave them to the other. SQLite has one writer."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(TURN_NUMBER)))


def lock_weights(connection: Connection, names: Iterable[str]) -> None:
    """Wait for workers that are about to store the very same weights; what is asked afterwards sees theirs."""
    ours = select(blobs.c.sha256).where(blobs.c.sha256.in_(sorted(names)))
    connection.execute(ours.order_by(blobs.c.sha256).with_for_update())


def unused() -> ColumnElement[bool]:
    """Whether no checkpoint and no data set has some content."""
    used = [exists().where(table.c.sha256 == blobs.c.sha256) for table in (checkpoints, datasets)]
    return and_(*(~each for each in used))


def drop_unused(connection: Connection, names: Iterable[str]) -> Freed:
    """Drop those of some contents that nothing uses any more."""
    statement = delete(blobs).where(blobs.c.sha256.in_(sorted(names)), unused()).returning(blobs.c.bytes)
    sizes = connection.execute(statement).scalars().all()
    return Freed(len(sizes), sum(sizes))
