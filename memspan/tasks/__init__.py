"""Tasks: each file makes one kind of sequences. ``sample(spec, length, count, rng) -> Batch``.

The verb of a task with ``sizes`` takes one argument more: which of its two sets to choose from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from memspan.datasets.parts import PART_VALUES, in_parts, part_ranges
from memspan.interfaces.batch import Batch
from memspan.interfaces.foreign_task import ForeignTask
from memspan.interfaces.task import Split, TaskSpec
from memspan.registry import Family

task: Family[TaskSpec] = Family("task", __name__)
task.discover(__path__)

if TYPE_CHECKING:
    AnyTask = TaskSpec
else:
    AnyTask: Any = task.union()


def sample(spec: TaskSpec, length: int, count: int, rng: torch.Generator, split: Split = "test") -> Batch:
    """Draw ``count`` sequences of the task at a length in its own measure.

    Args:
        split: of a task that has ``sizes``, the set to choose from. What isn't meant for training comes from the test
            set, so that nobody asks a model about sequences that it was trained on by forgetting to say so.
    """
    if isinstance(spec, ForeignTask):
        return spec.drawn(count, rng)
    verb = task.verb(spec)
    batch: Batch = verb(spec, length, count, rng, split) if spec.sizes() else verb(spec, length, count, rng)
    return batch


def parts(spec: TaskSpec, length: int, count: int, most: int = PART_VALUES) -> tuple[range, ...]:
    """The parts in which so many sequences are drawn, each of about ``most`` numbers; one where they can't be."""
    if spec.sizes() or not spec.draws_independently:
        return (range(count),)
    return part_ranges(count, values_each(spec, length) + spec.scratch(length), most)


def sample_in_parts(
    spec: TaskSpec, length: int, ranges: tuple[range, ...], rng: torch.Generator, split: Split = "test"
) -> Iterator[Batch]:
    """What ``sample`` draws, to the bit, part after part: only one part lies in memory at a time."""
    return in_parts(lambda count, rng: sample(spec, length, count, rng, split), ranges, rng)


def values_each(spec: TaskSpec, length: int) -> int:
    """Numbers of float32 that a sequence with its targets takes; a class number takes two."""
    signature = spec.signature(length)
    answer = 2 if spec.is_classification(length) else signature.outputs
    return signature.length * signature.channels + answer * (
        signature.length if signature.every_step else max(signature.at_end, 1)
    )
