"""Finishing runs: what they end with, and what follows for their experiment. Behind the fence of their lease."""

from collections.abc import Iterator, Mapping, Sequence

from memspan.engine.events import Outcome
from memspan.engine.placement import EngineName
from memspan.experiment.checkpoint import packed
from memspan.interfaces.json_numbers import jsonable
from memspan.interfaces.tensor_file import TensorFile
from service.operations.after_runs import follow_up
from service.operations.context import Context
from service.operations.progress import counts_of, progress_body
from service.operations.remaining_time import remaining_lately
from service.operations.uploads import drop, uploaded
from service.operations.work import ClaimedRuns, Measured, held_runs, store_metrics
from service.storage import checkpoints, events, experiments, final_states
from service.storage.checkpoints import NewCheckpoint
from service.storage.contents import Content
from service.storage.database import Connection
from service.storage.runs import RunOutcome
from service.storage.states import Reason, RunState


def finish(
    context: Context,
    work: ClaimedRuns,
    outcomes: Mapping[int, Outcome],
    seconds: float,
    measured: Measured,
    engine: EngineName,
) -> None:
    """Last metrics, checkpoints and state of runs, in one unit of work; then what follows for the experiment.

    ``engine`` is the one that served, which may be another than the one chosen at submit: a machine whose compiler is
    missing trains with torch.
    """
    files = {name: file for repeat, each in outcomes.items() for name, file in _packed(repeat, each)}
    weights = uploaded(context, files, shared=True)
    try:
        with context.database.writing() as connection:
            held = set(held_runs(connection, work))
            kept = [repeat for repeat in outcomes if work.runs[repeat] in held]
            if not kept:
                return
            store_metrics(connection, work, _with_test(measured, outcomes), list(held))
            _store_weights(connection, work, {key: each for key, each in weights.items() if key[0] in kept}, outcomes)
            _close(connection, work, kept, outcomes, seconds / len(outcomes), engine)
            _ended_event(context, connection, work, len(kept), RunState.SUCCEEDED)
            settled = follow_up(connection, work.experiment, [work.position])
    finally:
        drop(context, weights.values())
    for queue in settled:
        context.bell.ring(queue)


def _packed(repeat: int, outcome: Outcome) -> Iterator[tuple[tuple[int, str], TensorFile]]:
    """The last and the best weights of a repeat, packed once where they are the same."""
    last = packed(outcome.last)
    yield (repeat, "last"), last
    yield (repeat, "best"), last if outcome.best_epoch == outcome.last_epoch else packed(outcome.best)


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
    connection: Connection,
    work: ClaimedRuns,
    stored: Mapping[tuple[int, str], Content],
    outcomes: Mapping[int, Outcome],
) -> None:
    """Weights and checkpoints of runs, by repeat and kind."""
    checkpoints.store_blobs(connection, stored.values())
    new = [
        NewCheckpoint(work.runs[repeat], kind, _epoch(outcomes[repeat], kind), content.sha256)
        for (repeat, kind), content in stored.items()
    ]
    checkpoints.add(connection, new)


def _epoch(outcome: Outcome, kind: str) -> int:
    return outcome.best_epoch if kind == "best" else outcome.last_epoch


def _close(
    connection: Connection,
    work: ClaimedRuns,
    repeats: Sequence[int],
    outcomes: Mapping[int, Outcome],
    seconds: float,
    engine: EngineName,
) -> None:
    """Mark runs as succeeded, with their final numbers; a diverged run succeeds too, its divergence is the result."""
    final_states.finish(
        connection,
        [
            RunOutcome(
                run=work.runs[repeat],
                metrics=jsonable(dict(outcomes[repeat].metrics)),
                diverged_at=outcomes[repeat].diverged_at,
                seconds=seconds,
                engine=engine,
                epochs_done=work.condition.training.epochs,
            )
            for repeat in repeats
        ],
    )


def _ended_event(context: Context, connection: Connection, work: ClaimedRuns, count: int, state: RunState) -> None:
    """Tell listeners which runs ended, and how far the experiment is now."""
    row = experiments.get(connection, work.experiment)
    place = {"task": work.condition.task.kind, "model": work.condition.model.kind, "length": work.condition.length}
    ended = {**place, "condition": work.position, "state": state, "count": count}
    left = remaining_lately(context, connection, row) if row else None
    body = progress_body(counts_of(connection, row), row.state, left) if row else {}
    events.append(connection, work.experiment, ("runs", ended), ("progress", body))


def end(
    context: Context, work: ClaimedRuns, state: RunState, reason: Reason | None = None, detail: str | None = None
) -> None:
    """End runs as cancelled or failed."""
    with context.database.writing() as connection:
        experiments.lock(connection, work.experiment)
        ended = final_states.end(connection, work.lease, state, reason, detail)
        if not ended:
            return
        _ended_event(context, connection, work, ended, state)
        settled = follow_up(connection, work.experiment, [work.position])
    for queue in settled:
        context.bell.ring(queue)
