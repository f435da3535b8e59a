"""Deleting an experiment with all that hangs on it."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, exists, func, or_, select

from service.storage.tables import (
    blobs,
    checkpoints,
    conditions,
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


@dataclass(frozen=True)
class Freed:
    """What a deletion frees: rows, and bytes of weights that nobody else uses."""

    rows: int
    bytes: int


def size(connection: Connection, experiment: int) -> Freed:
    """What deleting an experiment would free."""
    counts = [
        connection.execute(select(func.count()).select_from(table).where(where)).scalar_one()
        for table, where in _dependents(experiment)
    ]
    weights = select(func.count(), func.sum(blobs.c.bytes)).where(blobs.c.sha256.in_(_own_blobs(experiment)))
    blob_count, blob_bytes = connection.execute(weights).one()
    waiting = func.coalesce(func.sum(snapshots.c.bytes), 0)
    snapshot_bytes = connection.execute(select(waiting).where(snapshots.c.run_key.in_(_runs(experiment)))).scalar_one()
    rows = sum(counts) + blob_count + _piece_rows(connection, experiment) + 1
    return Freed(rows, int(blob_bytes or 0) + int(snapshot_bytes))


def _piece_rows(connection: Connection, experiment: int) -> int:
    """Rows of large contents, which go with the row that they are of."""
    own = or_(uploads.c.sha256.in_(_own_blobs(experiment)), uploads.c.run_key.in_(_runs(experiment)))
    both = select(func.count(uploads.c.key.distinct()), func.count(pieces.c.number))
    uploaded, parts = connection.execute(both.outerjoin_from(uploads, pieces).where(own)).one()
    return int(uploaded + parts)


def delete_experiment(connection: Connection, experiment: int) -> Freed:
    """Delete an experiment, its runs and everything of theirs; weights go when no other checkpoint uses them."""
    take_turn(connection)
    _lock_blobs(connection, experiment)
    freed = size(connection, experiment)
    orphans = list(connection.execute(_own_blobs(experiment)).scalars())
    for table, where in _dependents(experiment):
        connection.execute(delete(table).where(where))
    connection.execute(delete(experiments).where(experiments.c.key == experiment))
    for start in range(0, len(orphans), 500):
        connection.execute(delete(blobs).where(blobs.c.sha256.in_(orphans[start : start + 500])))
    return freed


def take_turn(connection: Connection) -> None:
    """Two experiments that share weights and go at once would each leave them to the other. SQLite has one writer."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(TURN_NUMBER)))


def _lock_blobs(connection: Connection, experiment: int) -> None:
    """Wait for workers that are about to store the very same weights; what is asked afterwards sees theirs."""
    mine = select(checkpoints.c.sha256).where(checkpoints.c.run_key.in_(_runs(experiment)))
    ours = select(blobs.c.sha256).where(blobs.c.sha256.in_(mine))
    connection.execute(ours.order_by(blobs.c.sha256).with_for_update())


def _runs(experiment: int) -> Select[tuple[int]]:
    return select(runs.c.key).where(runs.c.experiment_key == experiment)


def _dependents(experiment: int) -> list[tuple[Table, ColumnElement[bool]]]:
    """The tables that hang on an experiment, those that hang on others first."""
    own = _runs(experiment)
    return [
        (metrics, metrics.c.run_key.in_(own)),
        (snapshots, snapshots.c.run_key.in_(own)),
        (probes, probes.c.experiment_key == experiment),
        (checkpoints, checkpoints.c.run_key.in_(own)),
        (events, events.c.experiment_key == experiment),
        (runs, runs.c.experiment_key == experiment),
        *((table, table.c.experiment_key == experiment) for table in (stacks, conditions, tallies, endings)),
    ]


def _own_blobs(experiment: int) -> Select[tuple[str]]:
    """sha256 of the weights that only this experiment uses."""
    mine = select(checkpoints.c.sha256).where(checkpoints.c.run_key.in_(_runs(experiment)))
    others = exists().where(checkpoints.c.sha256 == blobs.c.sha256, ~checkpoints.c.run_key.in_(_runs(experiment)))
    return select(blobs.c.sha256).where(blobs.c.sha256.in_(mine), ~others)
