"""First and last: add the two ends of a sequence, or a function of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task

FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "square": torch.square,
    "sine": torch.sin,
}
"""elementwise, by name"""
MOMENTS = {"identity": (0.0, 1.0), "square": (1.0, 2.0), "sine": (0.0, (1 - math.exp(-2)) / 2)}
"""mean and variance of each function of a standard normal number"""


class FirstLast(TaskSpec):
    """Every step is a standard normal number; the answer is the first plus the last, or a function of each.

    With f = identity the answer is x[0] + x[T-1]; else f(x[0]) + f(x[T-1]).
    """

    title: ClassVar[str] = "First plus last"
    reference: ClassVar[str] = (
        "dwipam (2021), How Long Dependencies Can LSTM & T-CNN Really Remember?, medium.com/analytics-vidhya"
    )
    hidden: ClassVar[tuple[str, ...]] = ("first",)
    kind: Literal["first_last"] = "first_last"
    f: Annotated[
        Literal["identity", "square", "sine"], Field(description="function of the first and of the last step, added up")
    ] = "identity"

    def signature(self, length: int) -> Signature:
        return Signature(length, channels=1, outputs=1, problem=Problem.REGRESSION)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        return (0, length - 1)

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Mean squared errors of answering 0, of answering the mean, and of f(last) plus the mean of f."""
        mean, variance = MOMENTS[self.f]
        return (
            Baseline("do_nothing", "test_loss", 2 * variance + (2 * mean) ** 2),
            Baseline("constant", "test_loss", 2 * variance),
            Baseline("last_step_only", "test_loss", variance),
        )

    def target_variance(self, length: int) -> float:
        return 2 * MOMENTS[self.f][1]

    def hidden_variables(self, batch: Batch) -> dict[str, Tensor]:
        """f(x[0]) at every step."""
        first = FUNCTIONS[self.f](batch.inputs[:, 0])  # (B, 1)
        return {"first": first.expand(batch.inputs.shape[:2])}


@task(FirstLast)
def sample(spec: FirstLast, length: int, count: int, rng: torch.Generator) -> Batch:
    """Draw x[t] ~ N(0, 1) and the target f(x[0]) + f(x[T-1]).

    Shapes:
        inputs (B, T, 1), targets (B, 1), both dimensionless.

    Source:
        github.com/dwipam/medium-3, the generator of lstm.py; f as its article suggests.
    """
    inputs = torch.randn(count, length, 1, generator=rng)
    f = FUNCTIONS[spec.f]
    return Batch(inputs, f(inputs[:, 0]) + f(inputs[:, -1]))
