"""SQL over runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, func, select, update

from service.queue_names import Queue
from service.storage.bulk import CHUNK, insert_rows
from service.storage.experiments import THERE
from service.storage.records import every, reading, single
from service.storage.states import OPEN, Reason, RunState
from service.storage.tables import experiments, runs


@dataclass(frozen=True)
class NewRun:
    """A run as it is queued.

    Attributes:
        round: of a length search, from 1.
        width: runs that are trained as one stack at most.
    """

    condition: int
    repeat: int
    round: int
    seed: int
    engine: str
    width: int
    queue: Queue


@dataclass(frozen=True)
class RunRecord:
    """A run as lists show it. Times are seconds since 1970 UTC, ``seconds`` is its share of its stack's time."""

    key: int
    experiment_key: int
    condition: int
    repeat: int
    seed: int
    engine: str
    queue: Queue
    state: RunState
    reason: Reason | None
    detail: str | None
    attempt: int
    diverged_at: int | None
    epochs_done: float
    seconds: float | None
    started_at: float | None
    finished_at: float | None
    processor: str | None


@dataclass(frozen=True)
class WholeRunRecord(RunRecord):
    """A run with its final metrics, and the spec of its experiment."""

    metrics: dict[str, float] | None
    by_lag: dict[str, list[int]] | None
    experiment_spec: dict[str, Any]


@dataclass(frozen=True)
class ResultRecord:
    """What results are made of."""

    condition: int
    repeat: int
    state: RunState
    metrics: dict[str, float] | None
    diverged_at: int | None
    seconds: float | None
    engine: str
    round: int
    queue: Queue
    processor: str | None
    by_lag: dict[str, list[int]] | None


@dataclass(frozen=True)
class RunOutcome:
    """What a run ends with.

    Attributes:
        run: its key.
        metrics: the final ones, numbers that are not finite spelled.
        engine: the one that served.
        processor: the kind that the numbers are of.
        by_lag: answers of the test by lag; None where the task tells no lags.
    """

    run: int
    metrics: dict[str, float | str]
    diverged_at: int | None
    seconds: float
    engine: str
    epochs_done: float
    processor: str | None = None
    by_lag: dict[str, Any] | None = None


LIST = reading(RunRecord, runs)
RESULTS = reading(ResultRecord, runs).order_by(runs.c.key)
WHOLE = (
    reading(WholeRunRecord, runs, experiment_spec=experiments.c.spec)
    .join(experiments, experiments.c.key == runs.c.experiment_key)
    .where(THERE)
)


def add(connection: Connection, experiment: int, new: Iterable[tuple[int, Iterable[NewRun]]]) -> None:
    """Queue runs of an experiment, given with the keys of their stacks."""
    place = {"experiment_key": experiment, "state": RunState.QUEUED}
    rows = ({**place, "stack_key": key, **vars(run)} for key, each in new for run in each)
    while chunk := list(islice(rows, CHUNK)):
        insert_rows(connection, runs, chunk)


def get(connection: Connection, key: int) -> WholeRunRecord | None:
    return single(connection, WholeRunRecord, WHOLE.where(runs.c.key == key))


def page(
    connection: Connection, experiment: int, after: int | None, limit: int, state: RunState | None
) -> list[RunRecord]:
    """Runs of an experiment in the order of its grid and of the rounds of a search, without metrics."""
    statement = LIST.where(runs.c.experiment_key == experiment).order_by(runs.c.key).limit(limit)
    if after is not None:
        statement = statement.where(runs.c.key > after)
    if state is not None:
        statement = statement.where(runs.c.state == state)
    return every(connection, RunRecord, statement)


def keys_of(connection: Connection, experiment: int) -> list[int]:
    """The keys of all runs of an experiment, ascending."""
    statement = select(runs.c.key).where(runs.c.experiment_key == experiment)
    return sorted(connection.execute(statement).scalars())


def some_for_results(connection: Connection, keys: Sequence[int]) -> list[ResultRecord]:
    """What results are made of, for some runs by their keys; those that are gone are left out."""
    return every(connection, ResultRecord, RESULTS.where(runs.c.key.in_(keys)))


def for_results(connection: Connection, experiment: int, conditions: range | None = None) -> list[ResultRecord]:
    """What results are made of, for all runs of an experiment or of some of its conditions."""
    statement = RESULTS.where(runs.c.experiment_key == experiment)
    if conditions is not None:
        statement = statement.where(runs.c.condition >= conditions.start, runs.c.condition < conditions.stop)
    return every(connection, ResultRecord, statement)


def open_count(connection: Connection, experiment: int, positions: range) -> int:
    """How many runs of some neighbouring conditions have something to do."""
    mine = (runs.c.experiment_key == experiment, runs.c.state.in_(OPEN))
    inside = (runs.c.condition >= positions.start, runs.c.condition < positions.stop)
    return int(connection.execute(select(func.count()).where(*mine, *inside)).scalar_one())


def set_progress(connection: Connection, stack: int, epochs: float) -> float:
    """Note how far the runs of a stack are, each of them; how many epochs that are more, of all of them together."""
    mine = (runs.c.stack_key == stack, runs.c.state == RunState.RUNNING)
    count, before = connection.execute(select(func.count(), func.sum(runs.c.epochs_done)).where(*mine)).one()
    connection.execute(update(runs).where(*mine).values(epochs_done=epochs))
    return float(count * epochs - (before or 0.0))
