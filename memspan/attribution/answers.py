"""The answers that a probe looks at: of which sequences, when they are due, and what they depend on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.attribution.selected_answer import SelectedAnswer
from memspan.interfaces.batch import Batch
from memspan.interfaces.task import TaskSpec


@dataclass(frozen=True)
class Answers:
    """One answer of each of B sequences of a task."""

    task: TaskSpec
    length: int
    batch: Batch
    selected: SelectedAnswer

    @property
    def steps(self) -> Tensor:
        """At which each is due, (B,)."""
        return self.selected.steps(self.batch.targets)

    @property
    def relevant(self) -> Tensor:
        """Whether each depends on each step, (B, T), of a task that tells its lags."""
        sources = self.task.sources(self.batch)  # (B, A, R)
        if sources.shape[1] > 1:
            at = self.selected.places(self.batch.targets).view(-1, 1, 1)
            sources = sources.gather(1, at.expand(-1, 1, sources.shape[2]))
        mask = torch.zeros(len(self.batch), self.batch.inputs.shape[1] + 1, dtype=torch.bool)
        return mask.scatter(1, sources.squeeze(1) + 1, value=True)[:, 1:]  # those that are -1 fall in front
