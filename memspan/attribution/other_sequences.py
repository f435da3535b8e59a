"""Other sequences of a task, to stand where some steps are hidden."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from memspan.interfaces.task import TaskSpec
from memspan.tasks import sample


def other_sequences(task: TaskSpec, length: int, count: int, rng: Generator) -> Tensor:
    """Inputs of fresh sequences (B, T, C), in an order of chance: some tasks sort theirs by class."""
    return sample(task, length, count, rng).inputs[torch.randperm(count, generator=rng)]
