"""The one answer of each sequence that a probe looks at, as a number or by its loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.interfaces.batch import IGNORED
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
        marked: whether each sequence has an answer of its own, the one whose target is not ignored; ``step`` is then
            the last step that any may be due at (``attribution/one_answer.py`` leaves one target to each).
    """

    signature: Signature
    step: int
    output: int = 0
    logarithm: bool = False
    marked: bool = False

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
            return self._answer(answers, targets)[..., self.output]
        chance = self._probability(answers, targets)
        return chance.clamp_min(TINY).log() if self.logarithm else chance

    def loss(self, answers: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error over outputs, or cross-entropy in nats, (M, B)."""
        if self.signature.problem is Problem.REGRESSION:
            return (self._answer(answers, targets) - self.target(targets).to(answers.device)).square().mean(-1)
        return -self._probability(answers, targets).clamp_min(TINY).log()

    def moved(self, before: Tensor, after: Tensor, targets: Tensor) -> Tensor:
        """By how much the answer moved, (M, B): summed over outputs, or the true class's probability."""
        if self.signature.problem is Problem.REGRESSION:
            return (self._answer(before, targets) - self._answer(after, targets)).abs().sum(-1)
        return (self._probability(before, targets) - self._probability(after, targets)).abs()

    def target(self, targets: Tensor) -> Tensor:
        """What the answer should be: class numbers (B,) or values (B, K)."""
        if self.marked:
            return targets.gather(1, _place(targets).unsqueeze(1)).squeeze(1)
        return targets[:, self.step] if self.signature.every_step else targets

    def places(self, targets: Tensor) -> Tensor:
        """Which of each sequence's answers it is, (B,)."""
        return _place(targets) if self.marked else torch.full((len(targets),), self.step)

    def steps(self, targets: Tensor) -> Tensor:
        """The step that each sequence's answer is due at, from which lags are counted, (B,)."""
        return torch.full((len(targets),), self.step) if self.signature.at_end else self.places(targets)

    def _answer(self, answers: Tensor, targets: Tensor) -> Tensor:
        """(M, B, K)."""
        if self.marked:
            places = _place(targets).to(answers.device).view(1, -1, 1, 1)
            return answers.gather(2, places.expand(len(answers), -1, 1, answers.shape[-1])).squeeze(2)
        return answers[:, :, self.step] if self.signature.every_step else answers

    def _probability(self, answers: Tensor, targets: Tensor) -> Tensor:
        """Of the true class, (M, B)."""
        classes = self.target(targets).to(answers.device).expand(answers.shape[0], -1)
        return self._answer(answers, targets).gather(-1, classes.unsqueeze(-1)).squeeze(-1)


def _place(targets: Tensor) -> Tensor:
    """Where the only target (B, A) stands that is not ignored, (B,)."""
    return (targets != IGNORED).to(torch.uint8).argmax(1)
