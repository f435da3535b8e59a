"""SQL over the workload: what is left to do, in seconds of the model of cost, and what was done took."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from service.queue_names import Queue
from service.storage.states import OPEN, ExperimentState, StackState
from service.storage.tables import experiments, probes, stacks, tallies


@dataclass(frozen=True)
class TrainingRecord:
    """Runs of one experiment that are trained by one engine.

    Attributes:
        left: modelled seconds of what is not done yet, runs that are half done counted half.
        longest: modelled seconds of the longest stack that runs or comes next, which no second worker shortens.
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
    """What is left of some experiments and of all others that are served, by experiment, queue and engine.

    Made of tallies, of which an experiment has a few: progress is told of often.
    """
    served = experiments.c.state.in_((ExperimentState.QUEUED, ExperimentState.RUNNING))
    asked = select(experiments.c.key, experiments.c.priority).where(served | experiments.c.key.in_(keys))
    priorities = {row.key: row.priority for row in connection.execute(asked)}
    longest = {key: _longest(connection, key) for key in keys}
    numbers = [func.sum(tallies.c[name]) for name in ("left_seconds", "modelled", "measured")]
    names = (tallies.c.experiment_key, tallies.c.queue, tallies.c.engine)
    mine = tallies.c.experiment_key.in_(select(asked.subquery().c.key))
    found = connection.execute(select(*names, *numbers).where(mine).group_by(*names)).all()
    return [
        TrainingRecord(
            experiment=key,
            priority=priorities[key],
            queue=queue,
            engine=engine,
            left=max(0.0, left),
            longest=min(longest.get(key, {}).get((queue, engine), 0.0), max(0.0, left)),
            modelled=modelled,
            measured=measured,
        )
        for key, queue, engine, left, modelled, measured in found
        if key in priorities
    ]


def _longest(connection: Connection, experiment: int) -> dict[tuple[Queue, str], float]:
    """Modelled seconds of an experiment's longest stacks: of those that run, and of the one that comes next."""
    mine = stacks.c.experiment_key == experiment
    columns = (stacks.c.queue, stacks.c.engine, stacks.c.seconds)
    running = select(*columns).where(mine, stacks.c.state == StackState.RUNNING)
    found: dict[tuple[Queue, str], float] = {}
    for state in (StackState.QUEUED, StackState.ASIDE):
        waiting = select(*columns).where(mine, stacks.c.state == state).order_by(stacks.c.turn).limit(1)
        for queue, engine, seconds in (*connection.execute(running), *connection.execute(waiting)):
            found[queue, engine] = max(seconds, found.get((queue, engine), 0.0))
    return found


def probes_done(connection: Connection, key: int) -> int:
    """How many probes of an experiment's own spec have ended."""
    mine = (probes.c.experiment_key == key, probes.c.required, probes.c.state.not_in(OPEN))
    return int(connection.execute(select(func.count()).where(*mine)).scalar_one())
