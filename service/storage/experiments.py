"""SQL over experiments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from service.storage.clock import now
from service.storage.states import ACTIVE, ExperimentState, RunState
from service.storage.tables import experiments, probes, runs


@dataclass(frozen=True)
class Filter:
    """What a list of experiments may be narrowed to; ``kinds`` are words like "task:latch"."""

    state: str | None = None
    kinds: tuple[str, ...] = ()
    study: str | None = None
    text: str | None = None


def add(connection: Connection, values: dict[str, Any]) -> int:
    """Insert an experiment; its key."""
    statement = insert(experiments).values(created_at=now(), **values).returning(experiments.c.key)
    return int(connection.execute(statement).scalar_one())


def get(connection: Connection, key: int) -> Row[Any] | None:
    return connection.execute(select(experiments).where(experiments.c.key == key)).one_or_none()


def lock(connection: Connection, key: int) -> Row[Any] | None:
    """The row, kept from changing until the unit of work ends. Whoever writes to an experiment locks it first."""
    return connection.execute(select(experiments).where(experiments.c.key == key).with_for_update()).one_or_none()


def with_idempotency_key(connection: Connection, key: str) -> Row[Any] | None:
    """The experiment that a key has made, with its ``age`` in seconds."""
    statement = select(experiments, (now() - experiments.c.created_at).label("age"))
    return connection.execute(statement.where(experiments.c.idempotency_key == key)).one_or_none()


def release_idempotency_key(connection: Connection, key: int) -> None:
    """Let an experiment forget the key that made it."""
    connection.execute(update(experiments).where(experiments.c.key == key).values(idempotency_key=None))


def page(connection: Connection, narrow: Filter, before: int | None, limit: int) -> Sequence[Row[Any]]:
    """Experiments, newest first, with keys below ``before``."""
    statement = select(experiments).order_by(experiments.c.key.desc()).limit(limit)
    if before is not None:
        statement = statement.where(experiments.c.key < before)
    if narrow.state:
        statement = statement.where(experiments.c.state == narrow.state)
    if narrow.study:
        statement = statement.where(experiments.c.study == narrow.study)
    for word in narrow.kinds:
        statement = statement.where(experiments.c.kinds.contains(f" {word} ", autoescape=True))
    if narrow.text:
        statement = statement.where(func.lower(experiments.c.name).contains(narrow.text.lower(), autoescape=True))
    return connection.execute(statement).all()


def run_counts(connection: Connection, keys: Sequence[int]) -> dict[int, dict[str, tuple[int, float]]]:
    """For each experiment its runs by state: how many, and the epochs they have done."""
    found: dict[int, dict[str, tuple[int, float]]] = {key: {} for key in keys}
    statement = (
        select(runs.c.experiment_key, runs.c.state, func.count(), func.sum(runs.c.epochs_done))
        .where(runs.c.experiment_key.in_(keys))
        .group_by(runs.c.experiment_key, runs.c.state)
    )
    for key, state, count, epochs in connection.execute(statement):
        found[key][state] = (count, float(epochs or 0))
    return found


def required_probe_counts(connection: Connection, key: int) -> dict[str, int]:
    """How many of the probes of an experiment's own spec stand in each state."""
    statement = (
        select(probes.c.state, func.count())
        .where(probes.c.experiment_key == key, probes.c.required)
        .group_by(probes.c.state)
    )
    return {str(state): int(count) for state, count in connection.execute(statement)}


def epochs_weighted(connection: Connection, key: int) -> float:
    """Epochs that the average run has done, where runs weigh by their estimated cost."""
    statement = select(func.sum(runs.c.cost * runs.c.epochs_done), func.sum(runs.c.cost))
    done, total = connection.execute(statement.where(runs.c.experiment_key == key)).one()
    return float(done or 0) / float(total) if total else 0.0


def set_state(connection: Connection, key: int, state: ExperimentState, **values: Any) -> None:
    connection.execute(update(experiments).where(experiments.c.key == key).values(state=state, **values))


def started(connection: Connection, key: int) -> bool:
    """Mark a queued experiment as running; whether it was this call that did."""
    statement = (
        update(experiments)
        .where(experiments.c.key == key, experiments.c.state == ExperimentState.QUEUED)
        .values(state=ExperimentState.RUNNING, started_at=func.coalesce(experiments.c.started_at, now()))
    )
    return connection.execute(statement).rowcount == 1


def active(connection: Connection) -> Sequence[Row[Any]]:
    """All experiments that still have something to do."""
    return connection.execute(select(experiments).where(experiments.c.state.in_(ACTIVE))).all()


def grow(connection: Connection, key: int, count: int) -> None:
    """Count runs that a search goes on with."""
    connection.execute(update(experiments).where(experiments.c.key == key).values(runs=experiments.c.runs + count))


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
