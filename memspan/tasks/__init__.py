"""Tasks: each file makes one kind of sequences. ``sample(spec, length, count, rng) -> Batch``.

The verb of a task with ``sizes`` takes one argument more: which of its two sets to choose from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from memspan.interfaces.batch import Batch
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
    verb = task.verb(spec)
    batch: Batch = verb(spec, length, count, rng, split) if spec.sizes() else verb(spec, length, count, rng)
    return batch
