"""SQL over checkpoints and the weights behind them, each weight stored once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Connection, bindparam, func, select
from sqlalchemy.dialects import postgresql

from service.storage import contents
from service.storage.bulk import insert_rows
from service.storage.contents import Bytes, Content, Damaged
from service.storage.experiments import THERE
from service.storage.records import every, reading, single
from service.storage.states import RunState
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
    origin: str | None
    experiment_spec: dict[str, Any]


OF_RUN = reading(CheckpointOfRun, checkpoints)
WHOLE = (
    reading(
        CheckpointRecord,
        checkpoints,
        bytes=func.coalesce(blobs.c.bytes, 0),
        experiment_spec=experiments.c.spec,
        origin=experiments.c.origin,
        **{name: runs.c[name] for name in ("experiment_key", "condition", "repeat", "seed", "engine")},
    )
    .outerjoin(blobs, blobs.c.sha256 == checkpoints.c.sha256)
    .join(runs, runs.c.key == checkpoints.c.run_key)
    .join(experiments, experiments.c.key == runs.c.experiment_key)
    .where(THERE)
)


TOGETHER_BYTES = 2**20
"""of weights that travel in one message: a list of bytes is written as text, at twice its size"""
COLUMNS = ("sha256", "bytes", "data")
GIVEN = (
    func.unnest(*(bindparam(name, type_=ARRAY(blobs.c[name].type)) for name in COLUMNS))
    .table_valued(*COLUMNS)
    .render_derived()
)
TOGETHER = (
    postgresql.insert(blobs)
    .from_select(COLUMNS, select(*(GIVEN.c[name] for name in COLUMNS)))
    .on_conflict_do_nothing(index_elements=[blobs.c.sha256])
)


def store_blobs(connection: Connection, new: Iterable[Content]) -> None:
    """Keep weights under their sha256; those already there are left as they are, and what was uploaded goes."""
    content_of = {each.sha256: each for each in sorted(new, key=lambda each: each.sha256)}
    rows = [{"sha256": sha, "bytes": each.size, "data": each.first} for sha, each in content_of.items()]
    uploaded = {sha: each.upload for sha, each in content_of.items() if each.upload is not None}
    if not uploaded and sum(len(each.first) for each in content_of.values()) <= TOGETHER_BYTES:
        _store_together(connection, rows)
        return
    statement = upsert(connection, blobs).on_conflict_do_nothing(index_elements=[blobs.c.sha256])
    stored = set(connection.execute(statement.returning(blobs.c.sha256), rows).scalars())
    contents.for_weights(connection, {sha: upload for sha, upload in uploaded.items() if sha in stored})
    contents.drop(connection, [upload for sha, upload in uploaded.items() if sha not in stored])


def _store_together(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Small weights: to PostgreSQL they go in one message."""
    if connection.dialect.name != "postgresql":
        statement = upsert(connection, blobs).on_conflict_do_nothing(index_elements=[blobs.c.sha256])
        connection.execute(statement, rows)
    else:
        connection.execute(TOGETHER, {name: [row[name] for row in rows] for name in COLUMNS})


def add(connection: Connection, new: Sequence[NewCheckpoint]) -> None:
    """Insert checkpoints, in the order in which a deletion locks their weights: so neither waits for the other."""
    ordered = sorted(new, key=lambda each: each.sha256)
    insert_rows(connection, checkpoints, [vars(each) for each in ordered], moment="created_at")


def get(connection: Connection, key: int) -> CheckpointRecord | None:
    return single(connection, CheckpointRecord, WHOLE.where(checkpoints.c.key == key))


def of_run(connection: Connection, run: int) -> list[CheckpointOfRun]:
    """The checkpoints of a run by kind."""
    statement = OF_RUN.where(checkpoints.c.run_key == run).order_by(checkpoints.c.kind)
    return every(connection, CheckpointOfRun, statement)


def data(connection: Connection, sha256: str) -> Bytes | None:
    """Weights by their sha256.

    Raises:
        Damaged: what is stored is something else.
    """
    first = select(blobs.c.bytes, blobs.c.data).where(blobs.c.sha256 == sha256)
    row = connection.execute(first).one_or_none()
    return None if row is None else _whole(connection, sha256, row.bytes, row.data)


def piece(connection: Connection, sha256: str, number: int) -> bytes | None:
    """One piece of weights, from 0, not held against their sha256; None behind the last."""
    if number:
        return contents.piece_of_weights(connection, sha256, number)
    return connection.execute(select(blobs.c.data).where(blobs.c.sha256 == sha256)).scalar_one_or_none()


def of_condition(connection: Connection, experiment: int, condition: int, kind: str) -> list[Bytes]:
    """The weights of all finished repeats of a condition, in the order of repeats.

    Raises:
        Damaged: some of them are something else.
    """
    statement = (
        select(checkpoints.c.sha256, blobs.c.bytes, blobs.c.data)
        .join(runs, runs.c.key == checkpoints.c.run_key)
        .outerjoin(blobs, checkpoints.c.sha256 == blobs.c.sha256)
        .where(runs.c.experiment_key == experiment, runs.c.condition == condition, checkpoints.c.kind == kind)
        .where(runs.c.state == RunState.SUCCEEDED)  # one that goes on keeps its old weights until it has new ones
        .order_by(runs.c.repeat)
    )
    rows = connection.execute(statement).all()
    return [_whole(connection, row.sha256, row.bytes, row.data) for row in rows]


def _whole(connection: Connection, sha256: str, size: int | None, first: bytes | None) -> Bytes:
    if size is None or first is None:
        raise Damaged(sha256, "of nothing: the weights are gone")
    return contents.whole(sha256, size, first, contents.rest_of_weights(connection, sha256))
