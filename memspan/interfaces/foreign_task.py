"""Tasks whose sequences somebody hands over: they bring them along, and no family lists them."""

from __future__ import annotations

from abc import abstractmethod

import torch

from memspan.interfaces.batch import Batch
from memspan.interfaces.task import TaskSpec


class ForeignTask(TaskSpec):
    """Sequences that are there already."""

    @abstractmethod
    def drawn(self, count: int, rng: torch.Generator) -> Batch:
        """Some of them, each once while there are enough."""
