"""Estimated beside measured seconds of training, for conditions of all studies.

A condition is trained for a second or so and what it takes in all follows from how far it came: the first studies take
seconds, the last ones hours. Seconds are those of the processor, so that whoever else computes doesn't count.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import exp, log

import torch

from benchmarks.report import Figure, table
from memspan.claims.study import Scale
from memspan.engine.events import Finished
from memspan.engine.placement import Placement
from memspan.engine.trainer import Trainer
from memspan.experiment.placements import Placements
from memspan.studies import experiments, study

TRAINED_SECONDS = 0.5
SAMPLES = 3
"""lengths of each task and model that are trained: the shortest, the longest and some between"""


def sampled(placements: Placements) -> Iterator[tuple[Placement, float]]:
    """Placements of each task and model, and how many conditions each stands for."""
    groups = defaultdict(list)
    for placement in placements:
        groups[placement.condition.task, placement.condition.model].append(placement)
    for group in groups.values():
        places = sorted({round(index * (len(group) - 1) / max(SAMPLES - 1, 1)) for index in range(SAMPLES)})
        for place in places:
            yield group[place], len(group) / len(places)


def measured_seconds(placement: Placement, repeats: int) -> tuple[float, float]:
    """What a stack takes, seen from its first second, and what of it comes before the first step."""
    members = range(min(placement.width, repeats))
    begun = time.process_time()
    trainer = Trainer(placement, members)
    events = trainer.events()
    next(events)  # draws the data and loads or compiles the loops
    first, done = time.process_time(), trainer.progress
    for event in events:
        if isinstance(event, Finished):
            return time.process_time() - begun, first - begun
        if time.process_time() - first > TRAINED_SECONDS and trainer.progress - done > 0:
            break
    each = (time.process_time() - first) / (trainer.progress - done)
    return first - begun + each * (placement.condition.training.most_epochs - done), first - begun


def main(kinds: Sequence[str] = (), scales: Sequence[Scale] = ("quick", "full")) -> str:
    """Measure conditions of some studies; of all if none is named."""
    torch.set_num_threads(1)
    rows = []
    for kind in kinds or study.kinds():
        for scale in scales:
            asked = experiments(study.spec(kind).model_validate({"kind": kind, "scale": scale}))
            rows += [row for each in asked.values() for row in measured(f"{kind}, {scale}", Placements(each))]
    return report(rows)


def measured(name: str, placements: Placements) -> Iterator[tuple[str, str, float, float]]:
    """Study, engine and model, estimated and measured seconds of all stacks that a sample stands for."""
    repeats = placements.spec.repeats
    for placement, weight in sampled(placements):
        seconds, before = measured_seconds(placement, repeats)
        stacks = weight * placement.stacks(repeats)
        condition = placement.condition
        model = f"{placement.engine} {condition.model.kind}"
        print(
            f"{name:24} {condition.task.kind:16} {model:22} {condition.length!s:>5} x{placement.width:<3}"
            f" estimated {placement.stack_seconds:9.2f} measured {seconds:9.2f} before {before:6.3f}"
            f" ratio {seconds / placement.stack_seconds:6.2f}",
            file=sys.stderr,
        )
        yield name, model, stacks * placement.seconds(min(repeats, placement.width)), stacks * seconds


def report(rows: Sequence[tuple[str, str, float, float]]) -> str:
    """A line for each study, and the spread over models."""
    figures = []
    for name in dict.fromkeys(row[0] for row in rows):
        mine = [row for row in rows if row[0] == name]
        estimated, took = sum(row[2] for row in mine), sum(row[3] for row in mine)
        ratios = [log(row[3] / row[2]) for row in mine]
        spread = f"{exp(min(ratios)):.2f} to {exp(max(ratios)):.2f}"
        figures.append(Figure(name, f"estimated {estimated:.1f} s, measured {took:.1f} s ({took / estimated:.2f} x); "
                              f"by model {spread} x", "within 1.5 x"))  # fmt: skip
    return table("Estimated and measured seconds of training, one core", figures)


if __name__ == "__main__":
    print(main(sys.argv[1:]))
