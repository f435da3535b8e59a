"""SQL over runs and their snapshots."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from service.storage.bulk import insert_rows
from service.storage.tables import checkpoints, experiments, runs, snapshots

RESULT_COLUMNS = (
    runs.c.condition,
    runs.c.repeat,
    runs.c.state,
    runs.c.metrics,
    runs.c.diverged_at,
    runs.c.seconds,
    runs.c.engine,
    runs.c.round,
    runs.c.queue,
)
LIST_COLUMNS = tuple(column for column in runs.c if column.name not in ("metrics", "claim", "lost"))


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert queued runs."""
    insert_rows(connection, runs, rows)


def get(connection: Connection, key: int) -> Row[Any] | None:
    return connection.execute(select(runs).where(runs.c.key == key)).one_or_none()


def page(connection: Connection, experiment: int, after: int | None, limit: int, state: str | None) -> Sequence[Any]:
    """Runs of an experiment in the order of its grid and of the rounds of a search, without metrics."""
    statement = select(*LIST_COLUMNS).where(runs.c.experiment_key == experiment).order_by(runs.c.key).limit(limit)
    if after is not None:
        statement = statement.where(runs.c.key > after)
    if state is not None:
        statement = statement.where(runs.c.state == state)
    return connection.execute(statement).all()


def for_results(connection: Connection, experiment: int, conditions: range | None = None) -> Sequence[Any]:
    """The columns that results are made of, for all runs of an experiment or of some of its conditions."""
    statement = select(*RESULT_COLUMNS).where(runs.c.experiment_key == experiment).order_by(runs.c.key)
    if conditions is not None:
        statement = statement.where(runs.c.condition >= conditions.start, runs.c.condition < conditions.stop)
    return connection.execute(statement).all()


def claimed(connection: Connection, keys: Sequence[int]) -> Sequence[Row[Any]]:
    """Claimed runs with their experiment's spec and their snapshots."""
    statement = (
        select(runs, experiments.c.spec, snapshots.c.data.label("snapshot"))
        .join(experiments, experiments.c.key == runs.c.experiment_key)
        .outerjoin(snapshots, snapshots.c.run_key == runs.c.key)
        .where(runs.c.key.in_(keys))
        .order_by(runs.c.repeat)
    )
    return connection.execute(statement).all()


def set_progress(connection: Connection, keys: Sequence[int], epochs: float) -> None:
    connection.execute(update(runs).where(runs.c.key.in_(keys)).values(epochs_done=epochs))


def store_snapshots(connection: Connection, snapshot_of: Mapping[int, bytes], epoch: int, step: int) -> None:
    """Replace the snapshots of runs, all at one position; getting somewhere clears their losses."""
    keys = list(snapshot_of)
    drop_snapshots(connection, keys)
    connection.execute(insert(snapshots), [{"run_key": key, "data": data} for key, data in snapshot_of.items()])
    values = {"resume_epoch": epoch, "resume_step": step, "lost": 0}
    connection.execute(update(runs).where(runs.c.key.in_(keys)).values(**values))


def drop_snapshots(connection: Connection, keys: Sequence[int]) -> None:
    connection.execute(delete(snapshots).where(snapshots.c.run_key.in_(keys)))


def drop_all_snapshots(connection: Connection, experiment: int) -> None:
    """Forget where the runs of an experiment stood, when it has ended."""
    own = select(runs.c.key).where(runs.c.experiment_key == experiment)
    connection.execute(delete(snapshots).where(snapshots.c.run_key.in_(own)))


def restart(connection: Connection, keys: Sequence[int]) -> None:
    """Forget where runs stood: they begin again."""
    drop_snapshots(connection, keys)
    values = {"resume_epoch": 0, "resume_step": 0, "epochs_done": 0}
    connection.execute(update(runs).where(runs.c.key.in_(keys)).values(**values))


def set_outcomes(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Final metrics and times of runs; each row has ``run`` (its key) and the columns to set."""
    statement = update(runs).where(runs.c.key == bindparam("run"))
    columns: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "run"}
    connection.execute(statement.values(**columns), list(rows))


def checkpoints_of(connection: Connection, run: int) -> Sequence[Row[Any]]:
    statement = select(checkpoints).where(checkpoints.c.run_key == run).order_by(checkpoints.c.kind)
    return connection.execute(statement).all()
