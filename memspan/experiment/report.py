"""What is reported of a run, and when it counts as solved."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Real, frozen
from memspan.interfaces.task import TaskSpec

Metric = Literal[
    "train_loss", "validation_loss", "test_loss",
    "train_accuracy", "validation_accuracy", "test_accuracy",
    "train_exact", "validation_exact", "test_exact",
]  # fmt: skip
SOLVED_ACCURACY = 0.99
"""a classification is solved with at most 1 % errors (Pascanu et al. 2013)"""
SOLVED_SHARE = 0.01
"""a regression is solved with at most 1 % of the target's variance (Skip RNN, Campos et al. 2018)"""


class SolvedIf(BaseModel):
    """A bound on one final metric; exactly one of the three bounds is given."""

    model_config = frozen()
    metric: Metric
    at_least: Real | None = None
    at_most: Real | None = None
    at_most_share_of_variance: Annotated[
        Annotated[Real, Field(gt=0)] | None, Field(description="bound as a share of the target's variance")
    ] = None

    @model_validator(mode="after")
    def _one_bound(self) -> SolvedIf:
        bounds = (self.at_least, self.at_most, self.at_most_share_of_variance)
        if sum(bound is not None for bound in bounds) != 1:
            raise PydanticCustomError(
                "one_bound", "Give exactly one of at_least, at_most and at_most_share_of_variance."
            )
        return self

    def missing(self, signature: Signature) -> Iterator[tuple[str, str]]:
        """The fields that ask for what a task doesn't have, each with what it has instead."""
        if self.metric.split("_")[1] not in signature.metrics:
            number = signature.problem is Problem.REGRESSION
            yield "metric", "a number, which has no accuracy" if number else "one class, not for one at every step"
        if self.at_most_share_of_variance is not None and signature.problem is Problem.CLASSIFICATION:
            yield "at_most_share_of_variance", "a class, which has no variance"

    def holds(self, metrics: Mapping[str, float], variance: float | None) -> bool:
        """Whether a run's final metrics meet the bound; a missing or non-finite one never does."""
        value = metrics.get(self.metric, math.nan)
        if not math.isfinite(value):
            return False
        above, bound = self.bound(variance)
        return value >= bound if above else value <= bound

    def bound(self, variance: float | None) -> tuple[bool, float]:
        """The bound as a number, and whether values above it are successes; a share of no variance is met by nothing.

        Args:
            variance: of the target; None where it has none.
        """
        if self.at_least is not None:
            return True, self.at_least
        if self.at_most is not None:
            return False, self.at_most
        return False, -math.inf if variance is None else (self.at_most_share_of_variance or 0) * variance


def score_metric(task: TaskSpec, length: int) -> Metric:
    """The metric that a task is scored by: accuracy of a classification, loss of a regression."""
    return "test_accuracy" if task.is_classification(length) else "test_loss"


class Report(BaseModel):
    """Which weights are tested, and the criterion of success."""

    model_config = frozen()
    checkpoint: Annotated[
        Literal["last", "best"], Field(description="weights at the end, or at the lowest validation loss")
    ] = "last"
    solved_if: Annotated[
        SolvedIf | None,
        Field(
            description="by default test_accuracy of at least .99 for a classification, "
            "test_loss of at most 1 % of the target's variance for a regression"
        ),
    ] = None

    def criterion(self, task: TaskSpec, length: int) -> SolvedIf:
        """The criterion in force for a task."""
        if self.solved_if:
            return self.solved_if
        metric = score_metric(task, length)
        if metric == "test_accuracy":
            return SolvedIf(metric=metric, at_least=SOLVED_ACCURACY)
        return SolvedIf(metric=metric, at_most_share_of_variance=SOLVED_SHARE)
