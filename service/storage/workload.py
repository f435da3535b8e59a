"""SQL over the workload: what is left to do, in seconds of the model of cost, and what was done took."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from service.queue_names import Queue
from service.storage.records import every
from service.storage.states import OPEN, ExperimentState, RunState
from service.storage.tables import experiments, probes, runs


@dataclass(frozen=True)
class TrainingRecord:
    """Runs of one experiment that are trained by one engine.

    Attributes:
        left: modelled seconds of what is not done yet, runs that are half done counted half.
        modelled: the same of runs that have succeeded.
        measured: what those took, each its share of its stack.
    """

    experiment: int
    priority: int
    queue: Queue
    engine: str
    left: float
    modelled: float
    measured: float


def training(connection: Connection, keys: Sequence[int]) -> list[TrainingRecord]:
    """The runs of some experiments, and what is left of all others that are served, by experiment, queue, engine.

    Two looks by index: what has ended long ago is not read.
    """
    served = experiments.c.state.in_((ExperimentState.QUEUED, ExperimentState.RUNNING))
    mine = _summed().where(experiments.c.key.in_(keys))
    others = _summed().where(served, experiments.c.key.not_in(keys), runs.c.state.in_(OPEN))
    return every(connection, TrainingRecord, mine) + every(connection, TrainingRecord, others)


def _summed() -> Select[Any]:
    epochs = experiments.c.spec["training"]["epochs"].as_float()
    open_, done = runs.c.state.in_(OPEN), runs.c.state == RunState.SUCCEEDED
    left = func.sum(case((open_, runs.c.run_seconds * (1 - runs.c.epochs_done / epochs)), else_=0.0))
    modelled = func.sum(case((done, runs.c.run_seconds), else_=0.0))
    measured = func.sum(case((done, func.coalesce(runs.c.seconds, 0.0)), else_=0.0))
    columns = (experiments.c.key, experiments.c.priority, runs.c.queue, runs.c.engine)
    return (
        select(*columns, left, modelled, measured)
        .join(runs, runs.c.experiment_key == experiments.c.key)
        .group_by(*columns)
    )


def probes_done(connection: Connection, key: int) -> int:
    """How many probes of an experiment's own spec have ended."""
    mine = (probes.c.experiment_key == key, probes.c.required, probes.c.state.not_in(OPEN))
    return int(connection.execute(select(func.count()).where(*mine)).scalar_one())
