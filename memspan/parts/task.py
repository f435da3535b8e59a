"""The base of all task specs."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from memspan.parts.signature import Problem, Signature
from memspan.parts.spec import PartSpec


@dataclass(frozen=True)
class Baseline:
    """The score of an answer that needs no training, e.g. chance."""

    name: str
    metric: str
    value: float


class TaskSpec(PartSpec):
    """A way to make sequences whose answer lies a known number of steps back."""

    minimum_length: ClassVar[int] = 2
    """time steps below which the task makes no sense"""
    has_length: ClassVar[bool] = True
    """whether ``lengths`` applies to the task"""

    @abstractmethod
    def signature(self, length: int) -> Signature:
        """Shape of the task at ``length`` steps."""

    @abstractmethod
    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """The steps (0 = first) that the answer depends on."""

    @abstractmethod
    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Scores to hold a model's against."""

    def target_variance(self, length: int) -> float | None:
        """Variance of the target, dimensionless squared; None for a classification."""
        return None

    def is_classification(self, length: int) -> bool:
        return self.signature(length).problem is Problem.CLASSIFICATION
