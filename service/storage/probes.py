"""SQL over probes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, exists, select

from service.storage.clock import now
from service.storage.experiments import THERE
from service.storage.moving import move
from service.storage.records import every, reading, single
from service.storage.states import Reason, RunState
from service.storage.tables import experiments, probes
from service.storage.upserts import upsert


@dataclass(frozen=True)
class NewProbe:
    """A probe as it is queued.

    Attributes:
        checkpoint_key: what is asked; None asks all repeats of the condition.
        checkpoint_kind: best or last.
        fingerprint: of its content; asking twice finds the first answer.
        required: by the experiment's own spec, which waits for it.
        owner: name of the key that asks.
    """

    experiment_key: int
    condition: int
    checkpoint_key: int | None
    checkpoint_kind: str
    kind: str
    spec: dict[str, Any]
    fingerprint: str
    required: bool
    owner: str | None = None


@dataclass(frozen=True)
class ProbeRecord:
    """A probe and, when it is done, its result over ``n`` repeats. Times are seconds since 1970 UTC."""

    key: int
    experiment_key: int
    condition: int
    checkpoint_key: int | None
    checkpoint_kind: str
    kind: str
    spec: dict[str, Any]
    fingerprint: str
    state: RunState
    reason: Reason | None
    detail: str | None
    attempt: int
    n: int | None
    result: dict[str, Any] | None
    created_at: float
    finished_at: float | None
    owner: str | None


@dataclass(frozen=True)
class WholeProbeRecord(ProbeRecord):
    """A probe with its experiment's spec, and whether that asks it."""

    experiment_spec: dict[str, Any]
    required: bool


ASKED_AGAIN = (RunState.FAILED, RunState.CANCELLED)
"""states in which a probe has no answer and is asked anew"""
LIST = reading(ProbeRecord, probes)
WHOLE = (
    reading(WholeProbeRecord, probes, experiment_spec=experiments.c.spec)
    .join(experiments, experiments.c.key == probes.c.experiment_key)
    .where(THERE)
)
DELETED = select(experiments.c.key).where(~THERE)


def add(connection: Connection, new: Sequence[NewProbe]) -> None:
    """Queue probes; one that is already there under its fingerprint stays as it is."""
    if new:
        rows = [{**vars(each), "state": RunState.QUEUED} for each in new]
        statement = upsert(connection, probes).values(created_at=now())
        connection.execute(statement.on_conflict_do_nothing(index_elements=[probes.c.fingerprint]), rows)


def ask_again(connection: Connection, fingerprints: Sequence[str]) -> None:
    """Put those probes back into the queue that have failed or were cancelled."""
    values = {"reason": None, "detail": None, "lost": 0, "finished_at": None}
    mine = probes.c.fingerprint.in_(fingerprints)
    for state in ASKED_AGAIN:
        move(connection, probes, RunState.QUEUED, mine, source=state, values=values)


def get(connection: Connection, key: int) -> WholeProbeRecord | None:
    return single(connection, WholeProbeRecord, WHOLE.where(probes.c.key == key))


def with_fingerprints(connection: Connection, fingerprints: Sequence[str]) -> list[ProbeRecord]:
    return every(connection, ProbeRecord, LIST.where(probes.c.fingerprint.in_(fingerprints)).order_by(probes.c.key))


def page(
    connection: Connection,
    after: int | None,
    limit: int,
    experiment: int | None = None,
    checkpoint: int | None = None,
    kind: str | None = None,
) -> list[ProbeRecord]:
    """Probes, oldest first, with keys above ``after``."""
    statement = LIST.where(probes.c.experiment_key.not_in(DELETED)).order_by(probes.c.key).limit(limit)
    for column, value in (
        (probes.c.experiment_key, experiment),
        (probes.c.checkpoint_key, checkpoint),
        (probes.c.kind, kind),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if after is not None:
        statement = statement.where(probes.c.key > after)
    return every(connection, ProbeRecord, statement)


def of_conditions(connection: Connection, experiment: int) -> list[ProbeRecord]:
    """The probes over all repeats of an experiment's conditions."""
    statement = LIST.where(probes.c.experiment_key == experiment, probes.c.checkpoint_key.is_(None))
    return every(connection, ProbeRecord, statement.order_by(probes.c.condition, probes.c.key))


def are_required(connection: Connection, experiment: int, conditions: range) -> bool:
    """Whether probes of an experiment's own spec were asked of some of its conditions."""
    asked = (probes.c.experiment_key == experiment, probes.c.required)
    inside = (probes.c.condition >= conditions.start, probes.c.condition < conditions.stop)
    return bool(connection.execute(select(exists().where(*asked, *inside))).scalar_one())
