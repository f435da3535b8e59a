"""First and last: add the two ends of a sequence."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch

from memspan.parts.batch import Batch
from memspan.parts.signature import Problem, Signature
from memspan.parts.task import Baseline, TaskSpec
from memspan.tasks import task


class FirstLast(TaskSpec):
    """Every step is a standard normal number; the answer is the first plus the last."""

    title: ClassVar[str] = "First plus last"
    reference: ClassVar[str] = (
        "dwipam (2021), How Long Dependencies Can LSTM & T-CNN Really Remember?, medium.com/analytics-vidhya"
    )
    kind: Literal["first_last"] = "first_last"

    def signature(self, length: int) -> Signature:
        return Signature(length, channels=1, outputs=1, problem=Problem.REGRESSION)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        return (0, length - 1)

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Answering 0 always, and knowing the last step only."""
        return (Baseline("do_nothing", "test_loss", 2.0), Baseline("last_step_only", "test_loss", 1.0))

    def target_variance(self, length: int) -> float:
        return 2.0


@task(FirstLast)
def sample(spec: FirstLast, length: int, count: int, rng: torch.Generator) -> Batch:
    """Draw x[t] ~ N(0, 1) and the target x[0] + x[T-1].

    Shapes:
        inputs (B, T, 1), targets (B, 1), both dimensionless.

    Source:
        github.com/dwipam/medium-3, the generator of lstm.py.
    """
    inputs = torch.randn(count, length, 1, generator=rng)
    return Batch(inputs, inputs[:, 0] + inputs[:, -1])
