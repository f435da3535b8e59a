"""The base of all task specs."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
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

    tells_lags: ClassVar[bool] = False
    """whether ``sources`` tells, for each answer, where what it says was shown"""

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

    def sources(self, batch: Batch) -> Tensor:
        """The steps that each answer to some sequences depends on, (B, A, R), -1 where there are fewer.

        The first of them is the one that an answer's lag is counted from: where what it says was shown last, or what
        it was asked by. A is the number of steps where answers are due at every step or at marked ones, else 1.
        """
        raise NotImplementedError(f"the task {self.kind} tells no lags")

    def lags(self, batch: Batch) -> Tensor:
        """Steps from where it was shown to each answer, (B, A); -1 where none is due."""
        first = self.sources(batch)[..., 0]
        steps = batch.inputs.shape[1]
        own = torch.arange(steps) if first.shape[1] == steps else torch.tensor([steps - 1])
        return torch.where(first < 0, -1, own - first)

    def due_steps(self, length: int) -> tuple[int, ...]:
        """Of a task with answers at marked steps, those at which an answer is due in every sequence."""
        return ()

    def token_kinds(self) -> tuple[range, ...]:
        """Of a task of tokens: those that may stand for each other, such as its keys; together they are all tokens."""
        return ()

    def best_by_lag(self, lag: int, window: int) -> float | None:
        """The best accuracy at a lag of what sees so many last steps, or an upper bound of it; None: not known."""
        return None

    def longest(self) -> int | None:
        """The longest length that there are sequences of; None where any number of steps can be drawn."""
        return None

    def scratch(self, length: int) -> int:
        """Numbers that are drawn for a sequence beside those that it is made of."""
        return 0

    def hidden_variables(self, batch: Batch) -> dict[str, Tensor]:
        """The values of ``hidden`` after each step of some sequences, each (B, T); NaN where there is none yet."""
        return {}

    def sizes(self) -> SetSizes | None:
        """The sequences that there are of a collected data set; None for a task that draws any number of new ones."""
        return None

    def is_classification(self, length: int) -> bool:
        return self.signature(length).problem is Problem.CLASSIFICATION
