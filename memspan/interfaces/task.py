"""The base of all task specs."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import PartSpec

Split = Literal["train", "test"]
"""What sequences of a collected data set are for."""


@dataclass(frozen=True)
class Baseline:
    """The score of an answer that needs no training, e.g. chance."""

    name: str
    metric: str
    value: float


@dataclass(frozen=True)
class SetSizes:
    """How many sequences there are of a task that can't make any number of them."""

    train: int
    test: int


class TaskSpec(PartSpec):
    """A way to make sequences whose answer lies a known number of steps back."""

    minimum_length: ClassVar[int] = 2
    """length, in the task's own measure, below which the task makes no sense"""
    has_length: ClassVar[bool] = True
    """whether ``lengths`` applies to the task"""
    hidden: ClassVar[tuple[str, ...]] = ()
    """names of what a perfect solver must carry from step to step, e.g. the carry of an addition"""

    @property
    def draws_independently(self) -> bool:
        """Whether a sequence is drawn without looking at how many there are, so that many may be drawn in parts."""
        return True

    @abstractmethod
    def signature(self, length: int) -> Signature:
        """Shape of the task at a length; its ``length`` is the number of time steps, which may be more."""

    @abstractmethod
    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """The steps (0 = first) that the answer depends on."""

    @abstractmethod
    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Scores to hold a model's against, which are known at once."""

    def tried_out(self, length: int) -> tuple[Baseline, ...]:
        """More of them, that somebody must work out by trying: a tenth of a second each may take."""
        return ()

    def target_variance(self, length: int) -> float | None:
        """Variance of the target, dimensionless squared; None for a classification."""
        return None

    def hidden_variables(self, batch: Batch) -> dict[str, Tensor]:
        """The values of ``hidden`` after each step of some sequences, each (B, T); NaN where there is none yet."""
        return {}

    def sizes(self) -> SetSizes | None:
        """The sequences that there are of a collected data set; None for a task that draws any number of new ones."""
        return None

    def is_classification(self, length: int) -> bool:
        return self.signature(length).problem is Problem.CLASSIFICATION
