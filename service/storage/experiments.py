"""SQL over experiments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from service.storage.clock import now
from service.storage.moving import move_experiment
from service.storage.records import every, reading, single
from service.storage.states import ACTIVE, ExperimentState, RunState
from service.storage.tables import experiments, probes, runs


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


@dataclass(frozen=True)
class ExperimentRecord:
    """An experiment. Times are seconds since 1970 UTC.

    Attributes:
        counts: of runs by state and progress, once the state is final.
        cancelled_at: when somebody asked for it.
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
    cancelled_at: float | None

    @property
    def place(self) -> StudyPlace | None:
        """Its place in a study, None where it is part of none."""
        if self.study is None or self.study_scale is None or self.study_part is None:
            return None
        return StudyPlace(self.study, self.study_scale, self.study_part, self.study_group)


class KeyTaken(Exception):
    """An Idempotency-Key has just made another experiment."""


@dataclass(frozen=True)
class KeyedExperiment:
    """The experiment that an Idempotency-Key has made, and its age in seconds."""

    key: int
    spec: dict[str, Any]
    study: str | None
    study_scale: str | None
    age: float


@dataclass(frozen=True)
class Counted:
    """Runs of one state: how many, and the epochs they have done."""

    runs: int
    epochs: float


WHOLE = reading(ExperimentRecord, experiments)
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
    """The experiment, kept from changing until the unit of work ends. Whoever writes to one locks it first."""
    return single(connection, ExperimentRecord, WHOLE.where(experiments.c.key == key).with_for_update())


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


def run_counts(connection: Connection, keys: Sequence[int]) -> dict[int, dict[RunState, Counted]]:
    """For each experiment its runs by state."""
    found: dict[int, dict[RunState, Counted]] = {key: {} for key in keys}
    statement = (
        select(runs.c.experiment_key, runs.c.state, func.count(), func.sum(runs.c.epochs_done))
        .where(runs.c.experiment_key.in_(keys))
        .group_by(runs.c.experiment_key, runs.c.state)
    )
    for key, state, count, epochs in connection.execute(statement):
        found[key][state] = Counted(count, float(epochs or 0))
    return found


def required_probe_counts(connection: Connection, key: int) -> dict[RunState, int]:
    """How many of the probes of an experiment's own spec stand in each state."""
    statement = (
        select(probes.c.state, func.count())
        .where(probes.c.experiment_key == key, probes.c.required)
        .group_by(probes.c.state)
    )
    return {state: int(count) for state, count in connection.execute(statement)}


def start(connection: Connection, key: int) -> bool:
    """Let an experiment run, which the caller has locked; whether it was queued until now."""
    found = connection.execute(select(experiments.c.state).where(experiments.c.key == key)).scalar_one()
    if found is not ExperimentState.QUEUED:
        return False
    started_at = func.coalesce(experiments.c.started_at, now())
    move_experiment(connection, key, ExperimentState.RUNNING, {"started_at": started_at})
    return True


def pause(connection: Connection, key: int) -> None:
    """Let an experiment rest."""
    move_experiment(connection, key, ExperimentState.PAUSED)


def resume(connection: Connection, paused: ExperimentRecord) -> ExperimentState:
    """Let a paused experiment go on; its new state. One that never began waits again."""
    state = ExperimentState.QUEUED if paused.started_at is None else ExperimentState.RUNNING
    move_experiment(connection, paused.key, state)
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


def grow(connection: Connection, key: int, count: int, probe_seconds: float) -> None:
    """Count runs that a search goes on with, and what the answers to their probes take."""
    values = {"runs": experiments.c.runs + count, "probe_seconds": experiments.c.probe_seconds + probe_seconds}
    connection.execute(update(experiments).where(experiments.c.key == key).values(**values))


def tested(connection: Connection, key: int) -> set[int]:
    """The conditions of an experiment that have runs."""
    statement = select(runs.c.condition).where(runs.c.experiment_key == key).distinct()
    return set(connection.execute(statement).scalars())


def open_runs(connection: Connection, key: int, conditions: range | None = None) -> int:
    """How many runs of an experiment, or of some of its conditions, have something to do."""
    statement = select(func.count()).where(
        runs.c.experiment_key == key, runs.c.state.in_([RunState.QUEUED, RunState.RUNNING])
    )
    if conditions is not None:
        statement = statement.where(runs.c.condition >= conditions.start, runs.c.condition < conditions.stop)
    return int(connection.execute(statement).scalar_one())


def succeeded(connection: Connection, key: int, conditions: range) -> list[int]:
    """Those of some conditions of which a run has succeeded, ascending."""
    statement = select(runs.c.condition).where(
        runs.c.experiment_key == key,
        runs.c.condition >= conditions.start,
        runs.c.condition < conditions.stop,
        runs.c.state == RunState.SUCCEEDED,
    )
    return list(connection.execute(statement.distinct().order_by(runs.c.condition)).scalars())
