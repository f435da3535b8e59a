"""The one answer of each sequence that a probe looks at, as a number or by its loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.interfaces.signature import Problem, Signature

TINY = torch.finfo(torch.float32).tiny
"""probability that stands for those that float32 rounds to 0: a loss ends at 87 nats"""


@dataclass(frozen=True)
class SelectedAnswer:
    """One answer of a task.

    Attributes:
        step: time step of the answer, from 0; the last one where a task has a single answer.
        output: which output of a regression is the number.
        logarithm: whether a classification's number is the logarithm of the true class's probability.
    """

    signature: Signature
    step: int
    output: int = 0
    logarithm: bool = False

    @property
    def last(self) -> bool:
        """Whether it is the last answer, which a task's relevant steps are about."""
        return self.step == self.signature.length - 1

    def number(self, answers: Tensor, targets: Tensor) -> Tensor:
        """What is differentiated, (M, B): an output, or the true class's probability or its logarithm.

        Shapes:
            answers (M, B, K) or (M, B, T, K), targets (B, K), (B,) or with T after B, as a Batch has them.
        """
        if self.signature.problem is Problem.REGRESSION:
            return self._answer(answers)[..., self.output]
        chance = self._probability(answers, targets)
        return chance.clamp_min(TINY).log() if self.logarithm else chance

    def loss(self, answers: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error over outputs, or cross-entropy in nats, (M, B)."""
        if self.signature.problem is Problem.REGRESSION:
            return (self._answer(answers) - self.target(targets).to(answers.device)).square().mean(-1)
        return -self._probability(answers, targets).clamp_min(TINY).log()

    def moved(self, before: Tensor, after: Tensor, targets: Tensor) -> Tensor:
        """By how much the answer moved, (M, B): summed over outputs, or the true class's probability."""
        if self.signature.problem is Problem.REGRESSION:
            return (self._answer(before) - self._answer(after)).abs().sum(-1)
        return (self._probability(before, targets) - self._probability(after, targets)).abs()

    def target(self, targets: Tensor) -> Tensor:
        """What the answer should be: class numbers (B,) or values (B, K)."""
        return targets[:, self.step] if self.signature.every_step else targets

    def _answer(self, answers: Tensor) -> Tensor:
        """(M, B, K)."""
        return answers[:, :, self.step] if self.signature.every_step else answers

    def _probability(self, answers: Tensor, targets: Tensor) -> Tensor:
        """Of the true class, (M, B)."""
        classes = self.target(targets).to(answers.device).expand(answers.shape[0], -1)
        return self._answer(answers).gather(-1, classes.unsqueeze(-1)).squeeze(-1)
