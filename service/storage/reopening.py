"""SQL over what has ended and goes on: runs that are queued again, and the experiment that they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, delete, exists, func, null, select, update

from service.queue_names import Queue
from service.storage import deletion
from service.storage.bulk import update_rows
from service.storage.clock import now
from service.storage.moving import move, move_experiment
from service.storage.records import every, reading
from service.storage.states import ENDED, ExperimentState, Keep, RunState
from service.storage.tables import blobs, checkpoints, experiments, metrics, probes, runs, snapshots
from service.storage.tallies import Change

AT_ONCE = 500
"""keys that one statement names"""


class Which(Enum):
    """Which runs of an experiment that has ended go on."""

    BADLY_ENDED = auto()
    """those that failed or were cancelled"""
    TRAINED = auto()
    """those that succeeded and did not diverge"""


@dataclass(frozen=True)
class EndedRun:
    """A run that is queued again."""

    key: int
    condition: int
    repeat: int
    queue: Queue
    engine: str
    width: int
    epochs_done: float
    state: RunState


@dataclass(frozen=True)
class NewPlace:
    """Where a run is queued again."""

    key: int
    stack_key: int
    queue: Queue
    engine: str
    width: int


ENDED_RUNS = reading(EndedRun, runs)


def _where(experiment: int, which: Which) -> ColumnElement[bool]:
    mine = runs.c.experiment_key == experiment
    if which is Which.BADLY_ENDED:
        return and_(mine, runs.c.state.in_([RunState.FAILED, RunState.CANCELLED]))
    return and_(mine, runs.c.state == RunState.SUCCEEDED, runs.c.diverged_at.is_(None))


def ended_runs(connection: Connection, experiment: int, which: Which) -> list[EndedRun]:
    """The runs that go on, by condition and repeat."""
    statement = ENDED_RUNS.where(_where(experiment, which)).order_by(runs.c.condition, runs.c.repeat)
    return every(connection, EndedRun, statement)


def on_gpu(connection: Connection, experiment: int) -> bool:
    """Whether some of an experiment's runs are trained by GPU workers."""
    mine = (runs.c.experiment_key == experiment, runs.c.queue == Queue.GPU)
    return bool(connection.execute(select(exists().where(*mine))).scalar_one())


def forget(connection: Connection, experiment: int, which: Which, resumed: bool = False) -> None:
    """Drop what the runs that go on have left: metrics, snapshots and weights.

    Args:
        resumed: they go on from where they ended: only what was measured at their end goes.
    """
    own = select(runs.c.key).where(_where(experiment, which))
    at_the_end = (metrics.c.split == "test",) if resumed else ()
    connection.execute(delete(metrics).where(metrics.c.run_key.in_(own), *at_the_end))
    if not resumed:
        connection.execute(delete(snapshots).where(snapshots.c.run_key.in_(own)))
        drop_unused(connection, drop_checkpoints(connection, own))


def drop_checkpoints_of(connection: Connection, keys: Sequence[int]) -> list[str]:
    """The same as ``drop_checkpoints``, for runs given by their keys."""
    return drop_checkpoints(connection, select(runs.c.key).where(runs.c.key.in_(keys)))


def drop_checkpoints(connection: Connection, own: Select[int]) -> list[str]:
    """Drop the checkpoints of runs with the answers that were asked of them alone; sha256 of their weights, locked."""
    mine = checkpoints.c.run_key.in_(own)
    if not connection.execute(select(exists().where(mine))).scalar_one():
        return []
    deletion.take_turn(connection)
    weights = select(checkpoints.c.sha256).where(mine)
    names = select(blobs.c.sha256).where(blobs.c.sha256.in_(weights)).order_by(blobs.c.sha256).with_for_update()
    found = list(connection.execute(names).scalars())
    keys = select(checkpoints.c.key).where(mine)
    connection.execute(delete(probes).where(probes.c.checkpoint_key.in_(keys)))
    connection.execute(delete(checkpoints).where(mine))
    return found


def drop_unused(connection: Connection, names: Sequence[str]) -> None:
    """Drop those of some weights that nothing uses any more."""
    for start in range(0, len(names), AT_ONCE):
        some = blobs.c.sha256.in_(names[start : start + AT_ONCE])
        connection.execute(delete(blobs).where(some, deletion.unused()))


def drop_answers(connection: Connection, experiment: int, which: Which | None = None) -> None:
    """Drop the answers over all repeats of conditions in which some runs go on; of all conditions where none is said.

    They were of other repeats, or of other weights.
    """
    mine = [probes.c.experiment_key == experiment, probes.c.checkpoint_key.is_(None)]
    if which is not None:
        mine.append(probes.c.condition.in_(select(runs.c.condition).where(_where(experiment, which))))
    connection.execute(delete(probes).where(*mine))


def ask_required_again(connection: Connection, experiment: int) -> int:
    """Ask those probes of an experiment's own spec again that have failed or were cancelled; how many."""
    values = {"reason": None, "detail": None, "lost": 0, "attempt": 0, "finished_at": None}
    mine = (probes.c.experiment_key == experiment, probes.c.required)
    return sum(
        len(move(connection, probes, RunState.QUEUED, *mine, source=state, values=values))
        for state in (RunState.FAILED, RunState.CANCELLED)
    )


def badly_answered(connection: Connection, experiment: int) -> bool:
    """Whether probes of an experiment's own spec have failed or were cancelled."""
    mine = (probes.c.experiment_key == experiment, probes.c.required)
    badly = probes.c.state.in_([RunState.FAILED, RunState.CANCELLED])
    return bool(connection.execute(select(exists().where(*mine, badly))).scalar_one())


def unasked(connection: Connection, experiment: int, kinds: int) -> list[int]:
    """The conditions with a run that succeeded of which fewer than ``kinds`` probes of the own spec were asked."""
    mine = (probes.c.experiment_key == experiment, probes.c.required)
    counting = select(probes.c.condition, func.count()).where(*mine).group_by(probes.c.condition)
    asked = {condition: int(count) for condition, count in connection.execute(counting)}
    well = (runs.c.experiment_key == experiment, runs.c.state == RunState.SUCCEEDED)
    trained = connection.execute(select(runs.c.condition).where(*well).distinct().order_by(runs.c.condition)).scalars()
    return [condition for condition in trained if asked.get(condition, 0) < kinds]


def processor_of(connection: Connection, run: int) -> str | None:
    """The kind of processor that the numbers of a run are of."""
    found = connection.execute(select(runs.c.processor).where(runs.c.key == run)).scalar_one_or_none()
    return None if found is None else str(found)


def queue_again(
    connection: Connection, experiment: int, which: Which, places: Sequence[NewPlace], resumed: bool = False
) -> None:
    """Queue runs again as if nobody had tried them yet, each in its new stack.

    Args:
        resumed: they keep the epochs that they have done, and the processor that their numbers are of.
    """
    values: dict[str, Any] = {"attempt": 0, "reason": None, "detail": None, "metrics": null(), "seconds": None}
    values |= {"diverged_at": None, "started_at": None, "finished_at": None, "by_lag": null()}
    if not resumed:
        values |= {"epochs_done": 0.0, "processor": None}
    update_rows(connection, runs, [vars(place) for place in places])
    for state in (RunState.FAILED, RunState.CANCELLED, RunState.SUCCEEDED):
        move(connection, runs, RunState.QUEUED, _where(experiment, which), source=state, values=values)


def skip_diverged(connection: Connection, experiment: int, epochs: int) -> list[Change]:
    """Count more epochs as done by runs that diverged before: they would change nothing; what tallies gain by it."""
    mine = (
        runs.c.experiment_key == experiment,
        runs.c.state == RunState.SUCCEEDED,
        runs.c.diverged_at.is_not(None),
    )
    more = func.sum(epochs - runs.c.epochs_done)
    statement = select(runs.c.queue, runs.c.engine, more).where(*mine).group_by(runs.c.queue, runs.c.engine)
    changes = [Change(queue, engine, epochs=float(count)) for queue, engine, count in connection.execute(statement)]
    connection.execute(update(runs).where(*mine).values(epochs_done=epochs))
    return changes


def reopen(connection: Connection, experiment: int, waits: bool, spec: dict[str, Any] | None = None) -> ExperimentState:
    """Let an experiment that has ended, and that the caller has locked, go on; its new state.

    Its time begins anew: ``limits.max_seconds`` is counted from its next claim.

    Args:
        waits: whether a worker has yet to claim some of its runs; else only probes are left.
        spec: instead of the one that it had.
    """
    state = ExperimentState.QUEUED if waits else ExperimentState.RUNNING
    values: dict[str, Any] = {"started_at": None if waits else now(), "finished_at": None, "cancelled_at": None}
    # Retention looks at it again; of one without any weights it is still known that they were dropped.
    kept = case((experiments.c.kept == Keep.RESULTS.value, Keep.BEST.value), else_=None)
    values |= {"counts": null(), "kept": kept} | ({} if spec is None else {"spec": spec})
    move_experiment(connection, experiment, state, values, among=ENDED)
    return state
