"""Queueing: the rows of runs, with what decides where and beside whom they are trained."""

from collections import Counter
from collections.abc import Iterable

from memspan.experiment.placements import Placements
from memspan.experiment.probing import asked_seconds
from memspan.experiment.rounds import Allocation
from service.queue_names import Queue
from service.storage.runs import NewRun


def run_rows(placements: Placements, allocations: Iterable[Allocation], number: int = 1) -> list[NewRun]:
    """A row for each run of round ``number``."""
    return [row for allocation in allocations for row in _of_condition(placements, allocation, number)]


def probe_seconds(placements: Placements, allocations: Iterable[Allocation]) -> float:
    """What the answers to the experiment's own probes take of one worker, by the model of cost."""
    return sum(
        asked_seconds(probe, placements[allocation.position], len(allocation.repeats))
        for allocation in allocations
        for probe in placements.spec.probes
    )


def _of_condition(placements: Placements, allocation: Allocation, number: int) -> list[NewRun]:
    placement = placements[allocation.position]
    count = len(allocation.repeats)
    members = Counter(repeat // placement.width for repeat in allocation.repeats)
    each = sum(map(placement.seconds, members.values())) / count  # a torch stack costs as much half empty as full
    return [
        NewRun(
            condition=allocation.position,
            repeat=repeat,
            round=number,
            seed=placement.condition.run_seed(repeat),
            engine=placement.engine,
            width=placement.width,
            stack=repeat // placement.width,
            queue=Queue(placement.device),
            stack_seconds=placement.seconds(members[repeat // placement.width]),
            run_seconds=each,
        )
        for repeat in allocation.repeats
    ]
