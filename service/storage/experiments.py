"""SQL over experiments."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from service.storage.clock import now
from service.storage.moving import move_experiment
from service.storage.records import every, reading, single
from service.storage.states import ACTIVE, CLAIMABLE, ExperimentState, RunState, StackState
from service.storage.tables import endings, experiments, probes, runs, stacks


@dataclass(frozen=True)
class Filter:
    """What a list of experiments may be narrowed to; ``kinds`` are words like "task:latch"."""

    state: ExperimentState | None = None
    kinds: tuple[str, ...] = ()
    study: str | None = None
    text: str | None = None
    owner: str | None = None


@dataclass(frozen=True)
class StudyPlace:
    """An experiment's place in a study.

    Attributes:
        part: its name within the study.
        group: what it was started together with, the key of the first of them; None for the first itself.
    """

    study: str
    scale: str
    part: str
    group: int | None = None


@dataclass(frozen=True)
class NewExperiment:
    """An experiment as it is queued.

    Attributes:
        kinds: words like " task:latch model:lstm label:x ", for filters.
        runs: how many.
        probe_seconds: what the answers to its own probes take, estimated.
        owner: name of the key that submits it.
        request_id: of the request that does, for the log.
    """

    name: str
    spec: dict[str, Any]
    priority: int
    kinds: str
    runs: int
    probe_seconds: float
    idempotency_key: str | None
    place: StudyPlace | None
    owner: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class ExperimentRecord:
    """An experiment. Times are seconds since 1970 UTC.

    Attributes:
        counts: of runs by state and progress, once the state is final.
        cancelled_at: when somebody asked for it.
        origin: imported where its model was made elsewhere.
        untold: the newest of what has happened and no event tells of yet; 0 where there is nothing.
    """

    key: int
    name: str
    spec: dict[str, Any]
    state: ExperimentState
    owner: str | None
    study: str | None
    study_scale: str | None
    study_part: str | None
    study_group: int | None
    runs: int
    probe_seconds: float
    event_sequence: int
    counts: dict[str, Any] | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    kept: str | None
    cancelled_at: float | None
    origin: str | None
    untold: int

    @property
    def version(self) -> str:
        """Changes with everything that happens to the experiment."""
        return f"{self.event_sequence}.{self.untold}"

    @property
    def place(self) -> StudyPlace | None:
        """Its place in a study, None where it is part of none."""
        if self.study is None or self.study_scale is None or self.study_part is None:
            return None
        return StudyPlace(self.study, self.study_scale, self.study_part, self.study_group)


class KeyTaken(Exception):
    """An Idempotency-Key has just made another experiment."""


@dataclass(frozen=True)
class ServedRecord:
    """What a worker asks of an experiment whose stacks it is about to claim."""

    key: int
    spec: dict[str, Any]
    state: ExperimentState
    cancelled_at: float | None
    request_id: str | None

    @property
    def claimable(self) -> bool:
        """Whether it may be served."""
        return self.state in CLAIMABLE and self.cancelled_at is None


@dataclass(frozen=True)
class KeyedExperiment:
    """The experiment that an Idempotency-Key has made, and its age in seconds."""

    key: int
    spec: dict[str, Any]
    study: str | None
    study_scale: str | None
    age: float


NEWEST = select(func.coalesce(func.max(endings.c.key), 0)).where(endings.c.experiment_key == experiments.c.key)
THERE = experiments.c.deleted_at.is_(None)
"""of an experiment that nobody has deleted; what was deleted is gone for all who ask, though rows of it may be left"""
WHOLE = reading(ExperimentRecord, experiments, untold=NEWEST.correlate(experiments).scalar_subquery()).where(THERE)
SERVED = reading(ServedRecord, experiments).where(experiments.c.key.in_(bindparam("keys", expanding=True)))
KEYED = reading(KeyedExperiment, experiments, age=now() - experiments.c.created_at)


def add(connection: Connection, new: NewExperiment) -> int:
    """Queue an experiment, the first of a new group where its place says so; its key.

    Raises:
        KeyTaken: another unit of work was faster with the same Idempotency-Key; this one is lost.
    """
    values = {name: value for name, value in vars(new).items() if name != "place"} | _columns(new.place)
    statement = insert(experiments).values(created_at=now(), state=ExperimentState.QUEUED, **values)
    try:
        key = int(connection.execute(statement.returning(experiments.c.key)).scalar_one())
    except IntegrityError as error:
        if new.idempotency_key is None:
            raise
        raise KeyTaken(new.idempotency_key) from error
    if new.place and new.place.group is None:
        connection.execute(update(experiments).where(experiments.c.key == key).values(study_group=key))
    return key


def _columns(place: StudyPlace | None) -> dict[str, str | int | None]:
    if place is None:
        return {}
    columns = {"study_scale": place.scale, "study_part": place.part, "study_group": place.group}
    return {"study": place.study, **columns}


def get(connection: Connection, key: int) -> ExperimentRecord | None:
    return single(connection, ExperimentRecord, WHOLE.where(experiments.c.key == key))


def lock(connection: Connection, key: int) -> ExperimentRecord | None:
    """The experiment, kept from changing until the unit of work ends. Whoever writes to one locks it first.

    Others may meanwhile add rows that point at it: its key does not change.
    """
    mine = WHOLE.where(experiments.c.key == key)
    return single(connection, ExperimentRecord, mine.with_for_update(key_share=True))


def with_idempotency_key(connection: Connection, key: str) -> KeyedExperiment | None:
    """The experiment that a key has made."""
    return single(connection, KeyedExperiment, KEYED.where(experiments.c.idempotency_key == key))


def release_idempotency_key(connection: Connection, key: int) -> None:
    """Let an experiment forget the key that made it."""
    connection.execute(update(experiments).where(experiments.c.key == key).values(idempotency_key=None))


def page(connection: Connection, narrow: Filter, before: int | None, limit: int) -> list[ExperimentRecord]:
    """Experiments, newest first, with keys below ``before``."""
    statement = WHOLE.order_by(experiments.c.key.desc()).limit(limit)
    if before is not None:
        statement = statement.where(experiments.c.key < before)
    if narrow.state:
        statement = statement.where(experiments.c.state == narrow.state)
    if narrow.owner:
        statement = statement.where(experiments.c.owner == narrow.owner)
    if narrow.study:
        statement = statement.where(experiments.c.study == narrow.study)
    for word in narrow.kinds:
        statement = statement.where(experiments.c.kinds.contains(f" {word} ", autoescape=True))
    if narrow.text:
        statement = statement.where(func.lower(experiments.c.name).contains(narrow.text.lower(), autoescape=True))
    return every(connection, ExperimentRecord, statement)


def required_probe_counts(connection: Connection, key: int) -> dict[RunState, int]:
    """How many of the probes of an experiment's own spec stand in each state."""
    statement = (
        select(probes.c.state, func.count())
        .where(probes.c.experiment_key == key, probes.c.required)
        .group_by(probes.c.state)
    )
    return {state: int(count) for state, count in connection.execute(statement)}


def start(connection: Connection, key: int) -> None:
    """Let a queued experiment run, which the caller has locked."""
    started_at = func.coalesce(experiments.c.started_at, now())
    move_experiment(connection, key, ExperimentState.RUNNING, {"started_at": started_at}, ACTIVE)


def to_serve(connection: Connection, keys: Collection[int]) -> dict[int, ServedRecord]:
    """The experiments whose stacks are about to be claimed."""
    return {row.key: row for row in every(connection, ServedRecord, SERVED, {"keys": list(keys)})}


def lock_to_tell(connection: Connection, key: int, seconds: float) -> ExperimentRecord | None:
    """The experiment, locked, if it goes on, listeners were not told of it for so long and nobody is telling them now.

    From now on they have been.
    """
    due = (experiments.c.key == key, experiments.c.state.in_(ACTIVE), experiments.c.told_at <= now() - seconds)
    statement = WHOLE.where(*due).with_for_update(key_share=True, skip_locked=True)
    row = single(connection, ExperimentRecord, statement)
    if row is not None:
        connection.execute(update(experiments).where(experiments.c.key == key).values(told_at=now()))
    return row


def lock_shared(connection: Connection, key: int) -> ExperimentRecord | None:
    """The experiment, kept from changing while others may look at it too: for those who do not write to it."""
    return single(connection, ExperimentRecord, WHOLE.where(experiments.c.key == key).with_for_update(read=True))


def pause(connection: Connection, key: int) -> None:
    """Let an experiment rest."""
    move_experiment(connection, key, ExperimentState.PAUSED)


def resume(connection: Connection, paused: ExperimentRecord) -> ExperimentState:
    """Let a paused experiment go on; its new state. One that never began waits again."""
    state = ExperimentState.QUEUED if paused.started_at is None else ExperimentState.RUNNING
    move_experiment(connection, paused.key, state, among=ACTIVE)
    return state


def end(connection: Connection, key: int, state: ExperimentState, counts: dict[str, Any]) -> None:
    """Give an experiment its final state, with the counts of its runs."""
    move_experiment(connection, key, state, {"finished_at": now(), "counts": counts})


def ask_to_cancel(connection: Connection, key: int) -> None:
    """Note that an experiment is to be cancelled; it is when its last run has ended."""
    connection.execute(update(experiments).where(experiments.c.key == key).values(cancelled_at=now()))


def active(connection: Connection) -> list[ExperimentRecord]:
    """All experiments that still have something to do."""
    return every(connection, ExperimentRecord, WHOLE.where(experiments.c.state.in_(ACTIVE)))


def with_stacks_aside(connection: Connection) -> set[int]:
    """The active experiments with stacks that are set aside."""
    aside = exists().where(stacks.c.experiment_key == experiments.c.key, stacks.c.state == StackState.ASIDE)
    statement = select(experiments.c.key).where(experiments.c.state.in_(ACTIVE), aside)
    return set(connection.execute(statement).scalars())


def grow(connection: Connection, key: int, count: int, probe_seconds: float) -> None:
    """Count runs that a search goes on with, and what the answers to their probes take."""
    values = {"runs": experiments.c.runs + count, "probe_seconds": experiments.c.probe_seconds + probe_seconds}
    connection.execute(update(experiments).where(experiments.c.key == key).values(**values))


def tested(connection: Connection, key: int) -> set[int]:
    """The conditions of an experiment that have runs."""
    statement = select(runs.c.condition).where(runs.c.experiment_key == key).distinct()
    return set(connection.execute(statement).scalars())


def succeeded(connection: Connection, key: int, conditions: range) -> list[int]:
    """Those of some conditions of which a run has succeeded, ascending."""
    statement = select(runs.c.condition).where(
        runs.c.experiment_key == key,
        runs.c.condition >= conditions.start,
        runs.c.condition < conditions.stop,
        runs.c.state == RunState.SUCCEEDED,
    )
    return list(connection.execute(statement.distinct().order_by(runs.c.condition)).scalars())
