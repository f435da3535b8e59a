"""SQL over the workload: what is left to do, in seconds of the model of cost, and what was done took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from service.queue_names import Queue
from service.storage.states import OPEN, ExperimentState, RunState
from service.storage.tables import experiments, probes, runs


@dataclass(frozen=True)
class TrainingRecord:
    """Runs of one experiment that are trained by one engine.

    Attributes:
        left: modelled seconds of what is not done yet, runs that are half done counted half.
        longest: modelled seconds of the longest stack among them, which no second worker shortens.
        modelled: modelled seconds of runs that have succeeded and did not diverge.
        measured: what those took, each its share of its stack.
    """

    experiment: int
    priority: int
    queue: Queue
    engine: str
    left: float
    longest: float
    modelled: float
    measured: float


def training(connection: Connection, keys: Sequence[int]) -> list[TrainingRecord]:
    """The runs of some experiments, and what is left of all others that are served, by experiment, queue, engine.

    Found by index, and no spec is read for each run: progress is told of while the database is locked.
    """
    served = experiments.c.state.in_((ExperimentState.QUEUED, ExperimentState.RUNNING))
    epochs = experiments.c.spec["training"]["epochs"].as_float()
    known = {
        key: (priority, count)
        for key, priority, count in connection.execute(
            select(experiments.c.key, experiments.c.priority, epochs).where(served | experiments.c.key.in_(keys))
        )
    }
    others = [key for key in known if key not in keys]
    found = [*_summed(connection, runs.c.experiment_key.in_(keys))]
    if others:
        found += _summed(connection, runs.c.experiment_key.in_(others), runs.c.state.in_(OPEN))
    return [_record(row, known) for row in found if row[0] in known]


def _summed(connection: Connection, *where: ColumnElement[bool]) -> Sequence[Any]:
    """By experiment, queue and engine: seconds of open runs, times the epochs they have done, and of those done."""
    open_ = runs.c.state.in_(OPEN)
    done = (runs.c.state == RunState.SUCCEEDED) & runs.c.diverged_at.is_(None)
    numbers = (
        func.sum(case((open_, runs.c.run_seconds), else_=0.0)),
        func.sum(case((open_, runs.c.run_seconds * runs.c.epochs_done), else_=0.0)),
        func.max(case((open_, runs.c.stack_seconds), else_=0.0)),
        func.sum(case((done, runs.c.run_seconds), else_=0.0)),
        func.sum(case((done, func.coalesce(runs.c.seconds, 0.0)), else_=0.0)),
    )
    names = (runs.c.experiment_key, runs.c.queue, runs.c.engine)
    return connection.execute(select(*names, *numbers).where(*where).group_by(*names)).all()


def _record(row: Sequence[Any], known: Mapping[int, tuple[int, float]]) -> TrainingRecord:
    key, queue, engine, open_, half_done, longest, modelled, measured = row
    priority, epochs = known[key]
    left = max(0.0, open_ - half_done / epochs)
    return TrainingRecord(key, priority, queue, engine, left, min(longest, left), modelled, measured)


def probes_done(connection: Connection, key: int) -> int:
    """How many probes of an experiment's own spec have ended."""
    mine = (probes.c.experiment_key == key, probes.c.required, probes.c.state.not_in(OPEN))
    return int(connection.execute(select(func.count()).where(*mine)).scalar_one())
