"""Queueing: the rows of runs, and the stacks in which they are trained."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from memspan.engine.placement import Placement
from memspan.experiment.placements import Placements
from memspan.experiment.probing import asked_seconds
from memspan.experiment.rounds import Allocation
from service.queue_names import Queue
from service.storage import conditions, runs, stacks, tallies
from service.storage.database import Connection
from service.storage.runs import NewRun
from service.storage.stacks import NewStack


@dataclass(frozen=True)
class Queued:
    """A stack as it is queued, with its runs."""

    stack: NewStack
    runs: tuple[NewRun, ...]


def queued(placements: Placements, allocations: Iterable[Allocation], number: int = 1) -> list[Queued]:
    """What round ``number`` asks for, stack by stack in the order of the grid."""
    return [each for allocation in allocations for each in _of_condition(placements, allocation, number)]


def probe_seconds(placements: Placements, allocations: Iterable[Allocation]) -> float:
    """What the answers to the experiment's own probes take of one worker, by the model of cost."""
    return sum(
        asked_seconds(probe, placements[allocation.position], len(allocation.repeats))
        for allocation in allocations
        if placements.conditions[allocation.position].is_reported
        for probe in placements.spec.probes
    )


def _of_condition(placements: Placements, allocation: Allocation, number: int) -> Iterator[Queued]:
    placement = placements[allocation.position]
    for place, repeats in groupby(allocation.repeats, key=lambda repeat: repeat // placement.width):
        yield _stack(placement, allocation.position, place, tuple(repeats), number)


def _stack(placement: Placement, position: int, place: int, repeats: Sequence[int], number: int) -> Queued:
    """Some repeats of a condition that are trained side by side."""
    seconds = placement.seconds(len(repeats))  # a torch stack costs as much half empty as full
    queue = Queue(placement.device)
    each = [
        NewRun(
            condition=position,
            repeat=repeat,
            round=number,
            seed=placement.condition.run_seed(repeat),
            engine=placement.engine,
            width=placement.width,
            queue=queue,
        )
        for repeat in repeats
    ]
    share = seconds / len(repeats)
    return Queued(NewStack(position, place, queue, placement.engine, len(repeats), seconds, share), tuple(each))


def store(connection: Connection, experiment: int, priority: int, rows: Sequence[Queued], followed: bool) -> None:
    """Queue stacks of an experiment with their runs.

    Args:
        followed: whether something follows a condition whose runs have all ended.
    """
    keys = stacks.add(connection, experiment, priority, [each.stack for each in rows])
    runs.add(connection, experiment, [(key, each.runs) for key, each in zip(keys, rows, strict=True)])
    if followed:
        grouped = groupby(rows, key=lambda each: each.stack.condition)
        counts = {position: sum(each.stack.runs for each in some) for position, some in grouped}
        conditions.opened(connection, experiment, counts)
    tallies.add(connection, experiment, [_counted(each.stack) for each in rows])


def _counted(stack: NewStack) -> tallies.Change:
    left = stack.run_seconds * stack.runs
    return tallies.Change(stack.queue, stack.engine, queued=stack.runs, left_seconds=left)
