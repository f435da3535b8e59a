"""SQL over checkpoints and the weights behind them, each weight stored once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from service.storage.clock import now
from service.storage.records import every, reading, single
from service.storage.tables import blobs, checkpoints, experiments, runs
from service.storage.upserts import upsert


@dataclass(frozen=True)
class NewCheckpoint:
    """Weights of a run, kept under their sha256; ``kind`` is best or last."""

    run_key: int
    kind: str
    epoch: int
    sha256: str


@dataclass(frozen=True)
class CheckpointOfRun:
    """What a run says of one of its checkpoints."""

    key: int
    kind: str
    epoch: int


@dataclass(frozen=True)
class CheckpointRecord(CheckpointOfRun):
    """A checkpoint with its run and its experiment's spec, without the weights; ``bytes`` is their size."""

    run_key: int
    sha256: str
    created_at: float
    bytes: int
    experiment_key: int
    condition: int
    repeat: int
    seed: int
    engine: str
    experiment_spec: dict[str, Any]


OF_RUN = reading(CheckpointOfRun, checkpoints)
WHOLE = (
    reading(
        CheckpointRecord,
        checkpoints,
        bytes=blobs.c.bytes,
        experiment_spec=experiments.c.spec,
        **{name: runs.c[name] for name in ("experiment_key", "condition", "repeat", "seed", "engine")},
    )
    .join(blobs, blobs.c.sha256 == checkpoints.c.sha256)
    .join(runs, runs.c.key == checkpoints.c.run_key)
    .join(experiments, experiments.c.key == runs.c.experiment_key)
)


def store_blobs(connection: Connection, data_of: dict[str, bytes]) -> None:
    """Keep weights under their sha256; those already there are left as they are."""
    rows = [{"sha256": sha, "bytes": len(data), "data": data} for sha, data in sorted(data_of.items())]
    connection.execute(upsert(connection, blobs).on_conflict_do_nothing(index_elements=[blobs.c.sha256]), rows)


def add(connection: Connection, new: Sequence[NewCheckpoint]) -> None:
    """Insert checkpoints, in the order in which a deletion locks their weights: so neither waits for the other."""
    created_at = connection.execute(select(now())).scalar_one()
    ordered = sorted(new, key=lambda each: each.sha256)
    connection.execute(insert(checkpoints), [{**vars(each), "created_at": created_at} for each in ordered])


def get(connection: Connection, key: int) -> CheckpointRecord | None:
    return single(connection, CheckpointRecord, WHOLE.where(checkpoints.c.key == key))


def of_run(connection: Connection, run: int) -> list[CheckpointOfRun]:
    """The checkpoints of a run by kind."""
    statement = OF_RUN.where(checkpoints.c.run_key == run).order_by(checkpoints.c.kind)
    return every(connection, CheckpointOfRun, statement)


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
