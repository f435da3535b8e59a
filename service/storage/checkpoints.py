"""SQL over checkpoints and the weights behind them, each weight stored once."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from service.storage.tables import blobs, checkpoints, experiments, runs


def store_blobs(connection: Connection, data_of: dict[str, bytes]) -> None:
    """Keep weights under their sha256; those already there are left as they are."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    rows = [{"sha256": sha, "bytes": len(data), "data": data} for sha, data in sorted(data_of.items())]
    connection.execute(make(blobs).on_conflict_do_nothing(index_elements=[blobs.c.sha256]), rows)


def add(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert checkpoints, in the order in which a deletion locks their weights: so neither waits for the other."""
    connection.execute(insert(checkpoints), sorted(rows, key=lambda row: str(row["sha256"])))


def get(connection: Connection, key: int) -> Row[Any] | None:
    """A checkpoint with its run and its experiment's spec, without the weights."""
    statement = (
        select(
            checkpoints,
            blobs.c.bytes,
            runs.c.experiment_key,
            runs.c.condition,
            runs.c.repeat,
            runs.c.seed,
            runs.c.engine,
            experiments.c.spec,
        )
        .join(blobs, blobs.c.sha256 == checkpoints.c.sha256)
        .join(runs, runs.c.key == checkpoints.c.run_key)
        .join(experiments, experiments.c.key == runs.c.experiment_key)
        .where(checkpoints.c.key == key)
    )
    return connection.execute(statement).one_or_none()


def data(connection: Connection, sha256: str) -> bytes | None:
    statement = select(blobs.c.data).where(blobs.c.sha256 == sha256)
    return connection.execute(statement).scalar_one_or_none()


def of_condition(connection: Connection, experiment: int, condition: int, kind: str) -> list[bytes]:
    """The weights of all finished repeats of a condition, in the order of repeats."""
    statement = (
        select(blobs.c.data)
        .join(checkpoints, checkpoints.c.sha256 == blobs.c.sha256)
        .join(runs, runs.c.key == checkpoints.c.run_key)
        .where(runs.c.experiment_key == experiment, runs.c.condition == condition, checkpoints.c.kind == kind)
        .order_by(runs.c.repeat)
    )
    return list(connection.execute(statement).scalars())
