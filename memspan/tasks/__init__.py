"""Tasks: each file makes one kind of sequences. ``sample(spec, length, count, rng) -> Batch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from memspan.parts.batch import Batch
from memspan.parts.task import TaskSpec
from memspan.registry import Family

task: Family[TaskSpec] = Family("task", __name__)
task.discover(__path__)

if TYPE_CHECKING:
    AnyTask = TaskSpec
else:
    AnyTask: Any = task.union()


def sample(spec: TaskSpec, length: int, count: int, rng: torch.Generator) -> Batch:
    """Draw ``count`` sequences of ``length`` steps of the task."""
    batch: Batch = task.verb(spec)(spec, length, count, rng)
    return batch
