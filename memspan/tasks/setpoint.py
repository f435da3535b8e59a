"""Setpoint: come to rest at a number whatever is shown."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field

from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Real
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task


class Setpoint(TaskSpec):
    """Every step is noise and the answer is always the same number: what a network does of itself after T steps.

    No step is relevant. It serves to look at losses over a network's own parameters.
    """

    title: ClassVar[str] = "Setpoint"
    reference: ClassVar[str] = "Pascanu, Mikolov & Bengio (2013), arXiv 1211.5063, figure 6: target .7"
    kind: Literal["setpoint"] = "setpoint"
    minimum_length: ClassVar[int] = 1
    target: Annotated[Real, Field(ge=-1e6, le=1e6, description="the answer, always")] = 0.7

    def signature(self, length: int) -> Signature:
        return Signature(length, channels=1, outputs=1, problem=Problem.REGRESSION)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        return ()

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Answering 0 always."""
        return (Baseline("do_nothing", "test_loss", self.target**2),)

    def target_variance(self, length: int) -> float:
        """The answer never changes, so an exact one is all that is as good as knowing its variance: 0."""
        return 0.0


@task(Setpoint)
def sample(spec: Setpoint, length: int, count: int, rng: torch.Generator) -> Batch:
    """x[t] ~ N(0, 1), and the target.

    Shapes:
        inputs (B, T, 1), targets (B, 1), both dimensionless.
    """
    return Batch(torch.randn(count, length, 1, generator=rng), torch.full((count, 1), spec.target))
