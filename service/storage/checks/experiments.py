"""Experiments agree with their runs: one that has ended has nothing left to do, and holds what was submitted."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, exists, func, select

from service.storage.experiments import THERE
from service.storage.states import ACTIVE, ENDED, OPEN
from service.storage.tables import experiments, probes, runs

ADVICE = (
    "The patrol of a running service, or memspan doctor --mend, ends one in which nothing is left to do; cancel or "
    "delete others."
)


def rules() -> Iterator[tuple[str, ColumnElement[bool]]]:
    """What is wrong, and the experiments of which it is."""
    mine = runs.c.experiment_key == experiments.c.key
    open_runs = exists().where(mine, runs.c.state.in_(OPEN))
    required = exists().where(probes.c.experiment_key == experiments.c.key, probes.c.state.in_(OPEN), probes.c.required)
    counted = select(func.count()).where(mine).scalar_subquery()
    yield "has ended, and runs of it are still to be done", experiments.c.state.in_(ENDED) & open_runs
    yield "is still active, and nothing of it is left to do", experiments.c.state.in_(ACTIVE) & ~open_runs & ~required
    yield "has another number of runs than it counts", experiments.c.runs != counted
    yield "has ended and does not say when", experiments.c.state.in_(ENDED) & experiments.c.finished_at.is_(None)


def find(connection: Connection) -> Iterator[str]:
    """The rules that don't hold, each with the experiments."""
    for wrong, where in rules():
        for key in connection.execute(
            select(experiments.c.key).where(where, THERE).order_by(experiments.c.key)
        ).scalars():
            yield f"exp-{key} {wrong}."
