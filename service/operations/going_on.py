"""Going on: runs that have ended are queued again in stacks of their own, and their experiment is opened again."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

from memspan.engine.placement import EngineName, Placement
from memspan.experiment.placements import Placements
from memspan.experiment.spec import ExperimentSpec
from service.errors import Conflict
from service.operations import ids
from service.operations.after_runs import is_followed
from service.operations.quotas import Demand
from service.operations.submission import BYTES_OF_WEIGHTS
from service.queue_names import Queue
from service.storage import conditions, reopening, stacks, tallies
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.reopening import EndedRun, NewPlace, Which
from service.storage.stacks import NewStack
from service.storage.states import ACTIVE, Keep
from service.storage.tallies import Change


@dataclass(frozen=True)
class Again:
    """A stack of runs that go on.

    Attributes:
        placement: how they are trained from now on.
        epochs: that each of them has done already.
    """

    position: int
    place: int
    placement: Placement
    runs: tuple[EndedRun, ...]
    epochs: int

    @property
    def share_left(self) -> float:
        """Of their training, from 0 to 1."""
        return 1 - self.epochs / self.placement.condition.training.most_epochs

    @cached_property
    def stack(self) -> NewStack:
        """The row of it; what it takes is a sum over much that is measured."""
        count = len(self.runs)
        whole = self.placement.seconds(count)
        return NewStack(
            condition=self.position,
            place=self.place,
            queue=Queue(self.placement.device),
            engine=self.placement.engine,
            runs=count,
            seconds=whole * self.share_left,
            run_seconds=whole / count,
            resume_epoch=self.epochs,
        )


def as_they_were(placements: Placements, ended: Sequence[EndedRun]) -> list[Again]:
    """Runs in stacks of the engine and width that they were placed with, from their beginning."""

    def place(run: EndedRun) -> Placement:
        engine: EngineName = "fused" if run.engine == "fused" else "torch"
        return replace(
            placements[run.condition],
            engine=engine,
            width=run.width,
            device="gpu" if run.queue is Queue.GPU else "cpu",
        )

    return list(_stacks([(run, place(run)) for run in ended], 0))


def as_placed(placements: Placements, ended: Sequence[EndedRun], epochs: int) -> list[Again]:
    """Runs in stacks as their experiment would be placed now, each at the place that it has within a stack.

    Args:
        epochs: that they have done.
    """

    def place(run: EndedRun) -> Placement:
        placement = placements[run.condition]
        return replace(placement, width=run.width) if placement.engine == run.engine else placement

    return list(_stacks([(run, place(run)) for run in ended], epochs))


def _stacks(placed: Sequence[tuple[EndedRun, Placement]], epochs: int) -> Iterator[Again]:
    """Runs, by condition and repeat, as many together as fit."""

    def together(each: tuple[EndedRun, Placement]) -> tuple[int, int, str, int, str]:
        run, placement = each
        return run.condition, run.repeat // placement.width, placement.engine, placement.width, placement.device

    for (position, place, *_), some in groupby(placed, key=together):
        mates = list(some)
        yield Again(position, place, mates[0][1], tuple(run for run, _ in mates), epochs)


def demand(again: Sequence[Again]) -> Demand:
    """What it asks for; weights take the place of those that were there."""
    return Demand(
        queued_runs=sum(len(each.runs) for each in again),
        stored_bytes=sum(len(each.runs) * each.placement.network.parameters * BYTES_OF_WEIGHTS for each in again),
        core_seconds=sum(each.stack.seconds for each in again),
    )


def queue(
    connection: Connection, row: ExperimentRecord, spec: ExperimentSpec, which: Which, again: Sequence[Again]
) -> None:
    """Queue runs again, without what they had found; the caller holds the experiment's lock.

    Answers over repeats of their conditions go: they are asked again when the runs have ended.
    """
    if not again:
        return
    resumed = again[0].epochs > 0
    reopening.drop_answers(connection, row.key, which)
    reopening.forget(connection, row.key, which, resumed)
    keys = stacks.add(connection, row.key, spec.priority, [each.stack for each in again])
    places = [
        NewPlace(run.key, key, Queue(each.placement.device), each.placement.engine, each.placement.width)
        for key, each in zip(keys, again, strict=True)
        for run in each.runs
    ]
    reopening.queue_again(connection, row.key, which, places, resumed)
    if is_followed(spec):
        counts = Counter[int]()
        for each in again:
            counts[each.position] += len(each.runs)
        conditions.opened(connection, row.key, counts)
    tallies.add(connection, row.key, _changes(again, resumed))


def _changes(again: Sequence[Again], resumed: bool) -> Iterator[Change]:
    """What tallies gain and lose by runs that are queued again."""
    for each in again:
        stack, left = each.stack, each.share_left
        yield Change(stack.queue, stack.engine, queued=stack.runs, left_seconds=stack.run_seconds * stack.runs * left)
        ended = Counter((run.queue, run.engine, run.state.value) for run in each.runs)
        for (queue, engine, state), count in ended.items():
            yield Change(queue, engine, **{state: -count})
        if not resumed:
            for run in each.runs:
                if run.epochs_done:
                    yield Change(run.queue, run.engine, epochs=-run.epochs_done)


def require_ended(row: ExperimentRecord, what: str) -> None:
    """Conflict while an experiment is active."""
    if row.state in ACTIVE:
        name = ids.public(ids.EXPERIMENT, row.key)
        raise Conflict(f"The experiment {name} is {row.state}: it can {what} once it has ended.")


def require_weights(row: ExperimentRecord, spec: ExperimentSpec) -> None:
    """Conflict where probes would be asked over repeats whose weights retention has dropped."""
    gone = row.kept == Keep.RESULTS or (row.kept == Keep.BEST and spec.report.checkpoint == "last")
    if gone and spec.probes:
        raise Conflict(
            "Retention has dropped weights that the experiment's probes ask: they can't be asked over all repeats. "
            "Submit its spec anew."
        )
