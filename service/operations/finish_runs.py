"""Finishing runs: what they end with, and what follows for their experiment. Behind the fence of their lease."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from itertools import groupby

from memspan.engine.events import Outcome
from memspan.engine.placement import EngineName
from memspan.experiment.checkpoint import packed
from memspan.interfaces.json_numbers import jsonable
from memspan.interfaces.tensor_file import TensorFile
from service.operations.after_runs import end_if_done, settle
from service.operations.claiming import ClaimedRuns
from service.operations.context import Context
from service.operations.telling import tell
from service.operations.uploads import drop, uploaded
from service.operations.work import Measured, held_stack, store_metrics
from service.queue_names import Queue
from service.storage import checkpoints, final_states, reopening, stacks
from service.storage.checkpoints import NewCheckpoint
from service.storage.contents import Content
from service.storage.database import Connection
from service.storage.final_states import FinishedStack
from service.storage.runs import RunOutcome
from service.storage.stacks import HeldStack
from service.storage.states import Reason, RunState
from service.storage.unanswered import unanswered


@dataclass(frozen=True)
class TrainedStack:
    """Runs that are trained, and what they end with.

    Attributes:
        seconds: that they took together.
        measured: what listeners and results were not told yet.
        engine: the one that served, which may be another than the one chosen at submit: a machine whose compiler is
            missing trains with torch.
    """

    work: ClaimedRuns
    outcomes: Mapping[int, Outcome]
    seconds: float
    measured: Measured
    engine: EngineName


def finish(
    context: Context,
    work: ClaimedRuns,
    outcomes: Mapping[int, Outcome],
    seconds: float,
    measured: Measured,
    engine: EngineName,
) -> None:
    """Last metrics, checkpoints and state of the runs of a stack, in one unit of work; then what follows."""
    hand_in(context, [TrainedStack(work, outcomes, seconds, measured, engine)])


def hand_in(context: Context, trained: Sequence[TrainedStack]) -> None:
    """The same for stacks that are held under one lease; those that were lost meanwhile are left out."""
    weights = uploaded(context, {name: file for each in trained for name, file in _packed(each)}, shared=True)
    settled = set[Queue]()
    try:
        with context.database.writing() as connection:
            held = stacks.lock_held_so_far(connection, trained[0].work.lease)
            kept = sorted((each for each in trained if each.work.stack in held), key=_experiment)
            if not kept:
                return
            with unanswered(connection) if _only_tells(kept, held, weights) else nullcontext():
                store_metrics(connection, [(each.work, _with_test(each.measured, each.outcomes)) for each in kept])
                _store_weights(connection, kept, weights)
                for _, group in groupby(kept, key=_experiment):
                    settled |= _finish(connection, list(group), held)
    finally:
        drop(context, weights.values())
    _after(context, {each.work.experiment for each in kept}, settled)


def _only_tells(
    kept: Sequence[TrainedStack], held: Mapping[int, HeldStack], weights: Mapping[tuple[int, str], Content]
) -> bool:
    """Whether nothing has to be asked to hand stacks in: nothing follows them, came before them or is large."""
    asks = any(each.work.followed or held[each.work.stack].resumes for each in kept)
    return not asks and not any(each.upload for each in weights.values())


def _finish(connection: Connection, some: Sequence[TrainedStack], held: Mapping[int, HeldStack]) -> set[Queue]:
    """Let the runs of an experiment's stacks succeed; the queues in which something new waits."""
    done, work = [_outcomes(each, held[each.work.stack]) for each in some], some[0].work
    return settle(connection, final_states.finish(connection, done, work.followed), work.shard)


def _experiment(trained: TrainedStack) -> int:
    return trained.work.experiment


def _after(context: Context, experiments: set[int], settled: set[Queue]) -> None:
    """What is done once the end of runs is stored."""
    for queue in settled:
        context.bell.ring(queue)
    for key in sorted(experiments):
        if not end_if_done(context, key):
            tell(context, key)


def _packed(trained: TrainedStack) -> Iterator[tuple[tuple[int, str], TensorFile]]:
    """The last and the best weights of runs, by the key of each and their kind; packed once where they are the same."""
    for repeat, outcome in trained.outcomes.items():
        key, last = trained.work.runs[repeat], packed(outcome.last)
        yield (key, "last"), last
        yield (key, "best"), last if outcome.best_epoch == outcome.last_epoch else packed(outcome.best)


def _with_test(measured: Measured, outcomes: Mapping[int, Outcome]) -> Measured:
    """What was measured, and each run's test at its last epoch."""
    test = {
        repeat: {name: value for name, value in outcome.metrics.items() if name.startswith("test_")}
        for repeat, outcome in outcomes.items()
    }
    return {
        repeat: [*measured.get(repeat, ()), (outcome.last_epoch, test[repeat])] for repeat, outcome in outcomes.items()
    }


def _store_weights(
    connection: Connection, kept: Sequence[TrainedStack], weights: Mapping[tuple[int, str], Content]
) -> None:
    """Weights and checkpoints of runs."""
    new = [
        NewCheckpoint(key, kind, epoch, weights[key, kind].sha256)
        for each in kept
        for repeat, outcome in each.outcomes.items()
        for key in [each.work.runs[repeat]]
        for kind, epoch in (("best", outcome.best_epoch), ("last", outcome.last_epoch))
    ]
    resumed = [key for each in kept if each.work.snapshots for key in each.work.runs.values()]
    before = reopening.drop_checkpoints_of(connection, resumed) if resumed else ()  # of runs asked for more epochs
    checkpoints.store_blobs(connection, [weights[each.run_key, each.kind] for each in new])
    checkpoints.add(connection, new)
    reopening.drop_unused(connection, before)


def _outcomes(trained: TrainedStack, stack: HeldStack) -> FinishedStack:
    """The final numbers of runs; a diverged run succeeds too, its divergence is the result."""
    work, seconds = trained.work, trained.seconds / len(trained.outcomes)
    outcomes = [
        RunOutcome(
            run=work.runs[repeat],
            metrics=jsonable(dict(outcome.metrics)),
            diverged_at=outcome.diverged_at,
            seconds=seconds,
            engine=trained.engine,
            processor=outcome.processor,
            epochs_done=work.epochs,
            by_lag=None if outcome.by_lag is None else asdict(outcome.by_lag),
        )
        for repeat, outcome in trained.outcomes.items()
    ]
    return FinishedStack(stack, outcomes, work.epochs)


def end(
    context: Context, work: ClaimedRuns, state: RunState, reason: Reason | None = None, detail: str | None = None
) -> None:
    """End the runs of a stack as cancelled or failed."""
    with context.database.writing() as connection:
        stack = held_stack(connection, work)
        if stack is None:
            return
        ended = final_states.end(connection, [stack], state, work.epochs, reason, detail)
        settled = settle(connection, ended, work.shard)
    _after(context, {work.experiment}, settled)
