"""Recounting: what is kept by increments is set to what counting rows gives, while everybody works.

What is added is the difference between what is counted and what is kept at one moment, one statement's: whoever is
about to add something adds it to that. So nobody has to wait, and nothing is lost.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, case, exists, func, select, union_all, update

from memspan.training import most_epochs
from service.storage import conditions, experiments, metrics, reopening, snapshots, tallies
from service.storage import stacks as stack_rows
from service.storage.experiments import THERE, ExperimentRecord
from service.storage.moving import move
from service.storage.records import every
from service.storage.stacks import WHOLE, NewStack, StackRecord
from service.storage.states import ACTIVE, OPEN, RunState, StackState
from service.storage.tables import conditions as condition_table
from service.storage.tables import experiments as experiment_table
from service.storage.tables import runs, stacks
from service.storage.tables import tallies as tally_table

COUNTED = (*RunState, "epochs", "left_seconds")
"""the numbers of a tally that rows tell; what runs took that have ended is not among them"""
UNKNOWN_SECONDS = 1.0
"""that a run takes of which nothing tells how long"""


def recount_tallies(connection: Connection, most: int) -> int:
    """Mend the tallies of some experiments, those first that were first; of how many."""
    return sum(_recount(connection, key) for key in tallies.wrong(connection)[:most])


def _recount(connection: Connection, key: int) -> bool:
    """Add to an experiment's tallies what they lack; whether they lacked anything."""
    row = experiments.lock(connection, key)
    if row is None:
        return False
    lacking = [
        tallies.Change(queue, engine, **dict(zip(map(str, COUNTED), numbers, strict=True)))
        for queue, engine, *numbers in connection.execute(_differences(row))
        if any(numbers)
    ]
    if lacking:
        tallies.add(connection, key, lacking)
    return bool(lacking)


def _differences(row: ExperimentRecord) -> Select[Any]:
    """By queue and engine what counting the runs of an experiment gives more than its tallies."""
    epochs = most_epochs(row.spec["training"]["epochs"])
    left = case(
        (runs.c.state.in_(OPEN), stacks.c.run_seconds * (1 - runs.c.epochs_done / epochs)),
        else_=0.0,
    )
    states = [func.sum(case((runs.c.state == state, 1), else_=0)) for state in RunState]
    sums = (*states, func.sum(runs.c.epochs_done), func.sum(func.coalesce(left, 0.0)))
    counted = (
        select(runs.c.queue, runs.c.engine, *(each.label(name) for name, each in zip(COUNTED, sums, strict=True)))
        .outerjoin(stacks, stacks.c.key == runs.c.stack_key)
        .where(runs.c.experiment_key == row.key)
        .group_by(runs.c.queue, runs.c.engine)
    )
    kept = (
        select(tally_table.c.queue, tally_table.c.engine, *(-func.sum(tally_table.c[name]) for name in COUNTED))
        .where(tally_table.c.experiment_key == row.key)
        .group_by(tally_table.c.queue, tally_table.c.engine)
    )
    both = union_all(counted, kept).subquery()
    numbers = [func.sum(both.c[name]) for name in COUNTED]
    return select(both.c.queue, both.c.engine, *numbers).group_by(both.c.queue, both.c.engine)


def recount_conditions(connection: Connection, most: int) -> int:
    """Mend the open runs that are kept of some conditions, which are locked in ascending order; of how many."""
    mended = 0
    for key, position in conditions.wrong(connection)[:most]:
        mine = (condition_table.c.experiment_key == key, condition_table.c.condition == position)
        kept = connection.execute(select(condition_table.c.open).where(*mine).with_for_update()).scalar_one_or_none()
        own = (runs.c.experiment_key == key, runs.c.condition == position, runs.c.state.in_(OPEN))
        counted = connection.execute(select(func.count()).select_from(runs).where(*own)).scalar_one()
        if kept is not None and kept != counted:
            connection.execute(update(condition_table).where(*mine).values(open=counted))
            mended += 1
    return mended


def recount_stacks(connection: Connection, most: int) -> int:
    """Mend some stacks that wait, and give open runs that are in none a stack of their own; how many of both.

    A stack that is held is left to the worker that holds it.
    """
    touched = [each.experiment_key for each in _miscounted(connection, most)]
    touched += _housed(connection, most)
    for key in sorted(set(touched)):
        _recount(connection, key)
    return len(touched)


def _miscounted(connection: Connection, most: int) -> Iterator[StackRecord]:
    """Waiting stacks with other runs than they count, each mended; one without any is dropped."""
    own = (runs.c.stack_key == stacks.c.key, runs.c.state == RunState.QUEUED)
    counted = select(func.count()).where(*own).correlate(stacks).scalar_subquery()
    waiting = stacks.c.state.in_([StackState.QUEUED, StackState.ASIDE])
    statement = WHOLE.where(waiting, stacks.c.runs != counted).order_by(stacks.c.key).limit(most)
    for each in every(connection, StackRecord, statement.with_for_update(skip_locked=True)):
        keys = stack_rows.open_runs(connection, each.key)
        move(connection, runs, RunState.QUEUED, runs.c.key.in_(keys), source=RunState.RUNNING)
        if keys:
            seconds = each.run_seconds * len(keys) if each.engine == "fused" else each.seconds
            values = {"runs": len(keys), "seconds": seconds}
            connection.execute(update(stacks).where(stacks.c.key == each.key).values(**values))
        else:
            stack_rows.drop(connection, [each.key])
        yield each


def _housed(connection: Connection, most: int) -> Iterator[int]:
    """Open runs without a stack, each put into one of its own, in which it begins again; their experiments."""
    active = select(experiment_table.c.key).where(experiment_table.c.state.in_(ACTIVE), THERE)
    homeless = ~exists().where(stacks.c.key == func.coalesce(runs.c.stack_key, 0))
    mine = (runs.c.state.in_(OPEN), homeless, runs.c.experiment_key.in_(active))
    columns = (runs.c.key, runs.c.experiment_key, runs.c.condition, runs.c.repeat, runs.c.width)
    statement = select(*columns, runs.c.queue, runs.c.engine).where(*mine).order_by(runs.c.key).limit(most)
    for run in connection.execute(statement.with_for_update(skip_locked=True)).all():
        seconds = _seconds_of_a_run(connection, run.experiment_key, run.condition)
        place = run.repeat // max(run.width, 1)
        new = NewStack(run.condition, place, run.queue, run.engine, 1, seconds, seconds)
        row = experiments.get(connection, run.experiment_key)
        (key,) = stack_rows.add(connection, run.experiment_key, row.spec["priority"] if row else 0, [new])
        move(connection, runs, RunState.QUEUED, runs.c.key == run.key, source=RunState.RUNNING)
        connection.execute(update(runs).where(runs.c.key == run.key).values(stack_key=key))
        snapshots.restart(connection, key, [run.key])
        metrics.drop_beyond(connection, [run.key], 0)
        reopening.drop_unused(connection, reopening.drop_checkpoints_of(connection, [run.key]))
        yield run.experiment_key


def _seconds_of_a_run(connection: Connection, experiment: int, condition: int) -> float:
    """What a run takes by the stacks that are left of its condition, else of its experiment."""
    for where in ((stacks.c.condition == condition,), ()):
        mean = select(func.avg(stacks.c.run_seconds)).where(stacks.c.experiment_key == experiment, *where)
        found = connection.execute(mean).scalar_one_or_none()
        if found is not None:
            return float(found)
    return UNKNOWN_SECONDS
