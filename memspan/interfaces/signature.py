"""What a task asks of a model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Problem(StrEnum):
    """How an answer is scored."""

    CLASSIFICATION = "classification"
    """cross-entropy of K classes, natural logarithm"""
    REGRESSION = "regression"
    """mean squared error over K outputs"""


@dataclass(frozen=True)
class Signature:
    """Shape of a task at one length: T steps of C channels in, K outputs at the last step or at every step.

    Attributes:
        every_step: whether an answer is due at every step, made of that step and those before it.
        answer_from: first step whose answer counts in accuracies (the loss counts all that are due).
        own_states: > 1 where a class number also names the task's own state, class = answer + answers x state.
        vocabulary: > 0 where steps show tokens: whole numbers below it, in one channel.
        at_end: > 0 where so many answers are due at the last step, each of K outputs.
        places: > 0 where answers are due at marked steps only, which differ by sequence: at most so many of each.
    """

    length: int
    channels: int
    outputs: int
    problem: Problem
    every_step: bool = False
    answer_from: int = 0
    own_states: int = 1
    vocabulary: int = 0
    places: int = 0
    at_end: int = 0

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is measured of an answer: loss; accuracy of a classification; exact, the share of sequences that are
        right at every step that counts."""
        if self.problem is Problem.REGRESSION:
            return ("loss",)
        return ("loss", "accuracy", "exact") if self.several else ("loss", "accuracy")

    @property
    def several(self) -> bool:
        """Whether a sequence has an axis of answers."""
        return self.every_step or self.at_end > 0

    @property
    def answers(self) -> int:
        """Answers to one sequence, at most."""
        return self.places or self.at_end or (self.length if self.every_step else 1)
