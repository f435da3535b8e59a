"""Final states: how runs and probes come to their last state. What a worker ends it must still hold.

Ending the runs of a stack is one deed, whoever does it: the runs move, the stack and its snapshots go, and what is kept
by increments is told.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from service.storage import conditions, endings, snapshots, tallies
from service.storage import stacks as stack_rows
from service.storage.clock import now
from service.storage.endings import Ending
from service.storage.leases import held
from service.storage.moving import move, move_each
from service.storage.runs import RunOutcome
from service.storage.stacks import HeldStack, StackRecord
from service.storage.states import OPEN, Reason, RunState
from service.storage.tables import probes, runs


@dataclass(frozen=True)
class FinishedStack:
    """A stack, which the caller has locked, and what each of its runs ends with.

    Attributes:
        epochs: that its runs were to be trained for.
    """

    stack: HeldStack
    outcomes: Sequence[RunOutcome]
    epochs: int


@dataclass(frozen=True)
class Ended:
    """What is left to do when runs of an experiment have ended, in the same unit of work.

    Attributes:
        conditions: those in which nothing is left to do, of those that something follows. Their rows are locked.
        changes: of the experiment's tallies.
    """

    experiment: int
    conditions: Collection[int]
    changes: Sequence[tallies.Change]


def finish(connection: Connection, finished: Sequence[FinishedStack], followed: bool) -> Ended:
    """Let the runs of an experiment's stacks succeed, with their final metrics and times.

    Args:
        followed: whether something follows the end of a condition.
    """
    rows = [{"key": run.run, **_columns(run)} for each in finished for run in each.outcomes]
    move_each(connection, runs, RunState.SUCCEEDED, rows, moment="finished_at")
    changes = [_success(each) for each in finished]
    return _settle(connection, [each.stack for each in finished], RunState.SUCCEEDED, changes, followed)


def _columns(outcome: RunOutcome) -> dict[str, Any]:
    return {name: value for name, value in vars(outcome).items() if name != "run"}


def _success(finished: FinishedStack) -> tallies.Change:
    """What the success of a stack's runs adds; those that diverged say nothing of how long a run takes."""
    stack, outcomes = finished.stack, finished.outcomes
    whole = [each for each in outcomes if each.diverged_at is None]
    return tallies.change(
        stack,
        running=-len(outcomes),
        succeeded=len(outcomes),
        epochs=sum(each.epochs_done for each in outcomes) - stack.epochs_done,
        left_seconds=-_left(stack, stack.epochs_done, finished.epochs),
        modelled=stack.run_seconds * len(whole),
        measured=sum(each.seconds for each in whole),
    )


def _left(stack: StackRecord, done: float, epochs: int) -> float:
    """Modelled seconds that the runs of a stack, which have ``done`` so many epochs together, would still take."""
    return stack.run_seconds * (stack.runs - done / epochs)


def _epochs_done(connection: Connection, keys: Collection[int]) -> dict[int, float]:
    """What the open runs of some stacks have done so far, in epochs, by stack."""
    return {key: float(epochs) for key, epochs in connection.execute(EPOCHS_DONE, {"keys": list(keys)})}


EPOCHS_DONE = (
    select(runs.c.stack_key, func.sum(runs.c.epochs_done))
    .where(runs.c.stack_key.in_(bindparam("keys", expanding=True)), runs.c.state.in_(OPEN))
    .group_by(runs.c.stack_key)
)


def end(
    connection: Connection,
    held_stacks: Sequence[StackRecord],
    state: RunState,
    epochs: int,
    reason: Reason | None = None,
    detail: str | None = None,
) -> Ended:
    """End the runs of an experiment's stacks, which the caller has locked, as failed or cancelled.

    Args:
        epochs: that the runs were to be trained for.
    """
    keys = [each.key for each in held_stacks]
    done = _epochs_done(connection, keys)
    values = {"reason": reason, "detail": detail, "finished_at": now()}
    move(connection, runs, state, runs.c.stack_key.in_(keys), values=values)
    changes = []
    for each in held_stacks:
        left = -_left(each, done.get(each.key, 0.0), epochs)
        counts = {each.state.runs: -each.runs, state.value: each.runs}
        changes.append(tallies.change(each, left_seconds=left, **counts))
    return _settle(connection, held_stacks, state, changes)


def _settle(
    connection: Connection,
    ended: Sequence[StackRecord],
    state: RunState,
    changes: Sequence[tallies.Change],
    followed: bool = True,
) -> Ended:
    """See to all that hangs on stacks whose runs have just ended."""
    experiment, counts = ended[0].experiment_key, Counter[int]()
    for stack in ended:
        counts[stack.condition] += stack.runs
    snapshots.drop_of_stacks(connection, [stack.key for stack in ended if stack.resumes])
    stack_rows.drop(connection, [stack.key for stack in ended])
    done = conditions.ended(connection, experiment, counts) if followed else ()
    endings.add(connection, experiment, [Ending(position, state, count) for position, count in counts.items()])
    return Ended(experiment, done, changes)


def cancel_probes(connection: Connection, experiment: int) -> None:
    """Cancel the probes of an experiment that wait."""
    mine = probes.c.experiment_key == experiment
    move(connection, probes, RunState.CANCELLED, mine, source=RunState.QUEUED, values={"finished_at": now()})


def answer_probe(connection: Connection, lease: str, result: dict[str, Any], n: int) -> bool:
    """Store what a probe measured over ``n`` repeats; whether it was still held."""
    values = {"result": result, "n": n, "finished_at": now()}
    return bool(move(connection, probes, RunState.SUCCEEDED, held(probes, lease), values=values))


def fail_probe(connection: Connection, lease: str, reason: Reason, detail: str) -> bool:
    """Store why a probe has no answer; whether it was still held."""
    values = {"reason": reason, "detail": detail, "finished_at": now()}
    return bool(move(connection, probes, RunState.FAILED, held(probes, lease), values=values))


def cancel_probe(connection: Connection, lease: str) -> bool:
    """End a probe that nobody wants any more; whether it was still held."""
    return bool(move(connection, probes, RunState.CANCELLED, held(probes, lease), values={"finished_at": now()}))
