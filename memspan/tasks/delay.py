"""Delay: say at the end which number came first."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Real
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task


class Delay(TaskSpec):
    """The first step is a number of variance 1, the others are noise; answer the first number after the last step.

    The lag is the length less one: the plainest question about memory, one real number through noise. It is the linear
    memory task of reservoirs, asked at a single delay, with the deviation of the distractors at will.
    """

    title: ClassVar[str] = "Delay"
    reference: ClassVar[str] = "Jaeger (2001), Short Term Memory in Echo State Networks, GMD report 152, at one delay"
    hidden: ClassVar[tuple[str, ...]] = ("first",)
    kind: Literal["delay"] = "delay"
    values: Annotated[
        Literal["normal", "uniform"], Field(description="distribution of all numbers; variance 1 before scaling")
    ] = "normal"
    distractors: Annotated[
        Real, Field(ge=0, le=100, description="standard deviation of the steps after the first; 0 = silence")
    ] = 1.0

    def signature(self, length: int) -> Signature:
        return Signature(length, channels=1, outputs=1, problem=Problem.REGRESSION)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        return (0,)

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Mean squared errors of answering 0, which is the mean, and of the best multiple of the sum of all steps."""
        noise = self.distractors**2 * (length - 1)
        return (
            Baseline("do_nothing", "test_loss", 1.0),
            Baseline("linear_integrator", "test_loss", noise / (1 + noise)),
        )

    def target_variance(self, length: int) -> float:
        return 1.0

    def hidden_variables(self, batch: Batch) -> dict[str, Tensor]:
        """The first number, at every step."""
        return {"first": batch.inputs[:, 0].expand(batch.inputs.shape[:2])}


@task(Delay)
def sample(spec: Delay, length: int, count: int, rng: Generator) -> Batch:
    """Draw x[0] of variance 1 and x[t > 0] of variance distractors²; the target is x[0].

    Shapes:
        inputs (B, T, 1), targets (B, 1), both dimensionless.
    """
    if spec.values == "normal":
        inputs = torch.randn(count, length, 1, generator=rng)
    else:
        inputs = math.sqrt(3) * (2 * torch.rand(count, length, 1, generator=rng) - 1)
    inputs[:, 1:] *= spec.distractors
    return Batch(inputs, inputs[:, 0].clone())
