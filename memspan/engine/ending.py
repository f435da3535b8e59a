"""When a run that is trained until it has converged ends: a pure function of what it validated so far.

So a run that was interrupted ends after the very epoch that it would have ended after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, log, sqrt

from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.task import TaskSpec

SETTLED = 3
"""epochs in a row after which the criterion is met before a run counts as having solved its task"""
FEWEST = 10
"""epochs at least without a lower loss"""
SHARE = 0.5
"""of all epochs so far, the last ones, that must have brought no lower loss"""
LOWER = 0.01
"""of the lowest loss so far, by which a loss must lie below it to count as lower"""
DEVIATIONS = 2.33
"""standard errors of a validation set by which a loss must lie below that of guessing"""
LEAST = 0.5
"""share of the loss of guessing below which no loss counts as guessing"""


@dataclass(frozen=True)
class Goal:
    """What a run is to reach, on its validation set.

    Attributes:
        metric: such as ``validation_accuracy``.
        above: whether values from ``bound`` on are successes, or those up to it.
        guessing: the validation loss from which on a run does no better than a guess.
    """

    metric: str
    above: bool
    bound: float
    guessing: float

    def met(self, metrics: Mapping[str, float]) -> bool:
        """Whether a run's epoch meets it; a number that is none never does."""
        value = metrics[self.metric]
        return value >= self.bound if self.above else value <= self.bound


@dataclass(frozen=True)
class Pace:
    """How a run has come along.

    Attributes:
        met: epochs in a row, up to the last one, that met the goal.
        lowest: the lowest validation loss so far; one that is less than a hundredth lower doesn't count.
        reached: its epoch, from 1; 0 before the first.
    """

    met: int = 0
    lowest: float = inf
    reached: int = 0

    def after(self, epoch: int, metrics: Mapping[str, float], goal: Goal) -> Pace:
        """How it has come along after one more epoch."""
        loss = metrics["validation_loss"]
        lower = loss < (1 - LOWER) * self.lowest
        return Pace(
            met=self.met + 1 if goal.met(metrics) else 0,
            lowest=loss if lower else self.lowest,
            reached=epoch if lower else self.reached,
        )

    def ends(self, epoch: int, goal: Goal) -> bool:
        """Whether a run ends after an epoch: it has solved its task, or is past guessing and no longer improves."""
        resting = epoch - self.reached >= max(FEWEST, SHARE * epoch)
        return self.met >= SETTLED or (resting and self.lowest < goal.guessing)


def guessing_loss(task: TaskSpec, extent: int, signature: Signature, sequences: int) -> float:
    """The loss from which on an answer is no better than one that looks at nothing.

    That is a constant for a number and equal probabilities for classes, less some standard errors of the variance of
    a normal target over so many sequences.
    """
    variance = task.target_variance(extent)
    if signature.problem is Problem.CLASSIFICATION or variance is None:
        variance = log(signature.outputs)
    return variance * max(1 - DEVIATIONS * sqrt(2 / sequences), LEAST)
