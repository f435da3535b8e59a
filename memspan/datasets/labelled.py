"""Pictures with their classes, and choosing some of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.interfaces.task import Split


@dataclass(frozen=True)
class Labelled:
    """Pictures (N, rows, columns) uint8 and their classes (N,) int64."""

    pictures: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Tensor) -> Labelled:
        return Labelled(self.pictures[rows], self.labels[rows])


def choose_rows(there: int, count: int, rng: torch.Generator, split: Split) -> Tensor:
    """Positions (count,) of sequences among those that are there, each once.

    The whole test set comes in its own order, so that its scores are the published ones; a training set is always
    mixed, because a validation set is cut from its end. Whoever asks for more than there are gets them again.
    """
    if split == "test" and count >= there:
        return torch.arange(count) % there
    return torch.randperm(there, generator=rng)[torch.arange(count) % there]
