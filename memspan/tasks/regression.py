"""Regression: no sequence at all, one step of numbers and a teacher's answer."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Real, Whole
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task

VARIANCE = 0.0107
"""of the teacher's answers: that of the forum question's targets, read off its first epochs"""
HIDDEN = 20
"""units of each hidden layer of the tanh_net teacher"""
GAIN = 2.0
"""of its weights: far beyond the linear range of tanh"""
MEASURED_ON = 2**18
"""inputs on which the variance of a tanh_net is measured, known to .3 %"""


class Regression(TaskSpec):
    """One step of independent standard normal features; the answer is a teacher's number of variance .0107.

    The data of the forum question are not known, so there are two teachers: ``pairs`` is x0 x1 + x2 x3 + ..., all
    products (an odd feature is left over), ``tanh_net`` a random net of two tanh layers with 20 units each and gain 2.
    Nothing has to be remembered: what helps a recurrent layer here is no memory.
    """

    title: ClassVar[str] = "One-step regression"
    reference: ClassVar[str] = "stackoverflow.com/questions/63967932, LSTM with one time step against an MLP"
    has_length: ClassVar[bool] = False
    minimum_length: ClassVar[int] = 1
    kind: Literal["regression"] = "regression"
    teacher: Annotated[
        Literal["pairs", "tanh_net"], Field(description="sum of products of pairs, or a random net of 20 + 20 units")
    ] = "pairs"
    features: Annotated[Whole, Field(ge=2, le=1_000, description="numbers of the one step")] = 10
    teacher_seed: Annotated[Whole, Field(ge=0, le=2**53 - 1, description="of the tanh_net's weights")] = 0
    noise: Annotated[Real, Field(ge=0, le=100, description="standard deviation of noise added to the answer")] = 0.0

    def signature(self, length: int) -> Signature:
        return Signature(1, channels=self.features, outputs=1, problem=Problem.REGRESSION)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        return (0,)

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Mean squared errors of answering 0, which is the mean, and of knowing the teacher."""
        found = (Baseline("do_nothing", "test_loss", self.target_variance(length)),)
        return (*found, Baseline("noise_floor", "test_loss", self.noise**2)) if self.noise else found

    def target_variance(self, length: int) -> float:
        return VARIANCE + self.noise**2


@task(Regression)
def sample(spec: Regression, length: int, count: int, rng: Generator) -> Batch:
    """Draw x ~ N(0, 1)^F and the target, the teacher's answer scaled to a variance of .0107, plus noise.

    Shapes:
        inputs (B, 1, F), targets (B, 1), both dimensionless.
    """
    inputs = torch.randn(count, spec.features, generator=rng)
    taught = pairs(inputs) if spec.teacher == "pairs" else tanh_net(spec, inputs)
    targets = math.sqrt(VARIANCE) * taught
    if spec.noise:
        targets = targets + spec.noise * torch.randn(count, generator=rng)
    return Batch(inputs.unsqueeze(1), targets.unsqueeze(1))


def pairs(x: Tensor) -> Tensor:
    """(x0 x1 + x2 x3 + ...) / sqrt(number of pairs): variance 1, (B, F) -> (B,)."""
    count = x.shape[1] // 2
    left, right = x[:, : 2 * count : 2], x[:, 1 : 2 * count : 2]
    return (left * right).sum(1) / math.sqrt(count)


def tanh_net(spec: Regression, x: Tensor) -> Tensor:
    """The random net F-20-20-1, scaled to a variance of 1, (B, F) -> (B,)."""
    *layers, scale = _net(spec.features, spec.teacher_seed)
    return _through(layers, x) * scale


@lru_cache(maxsize=16)
def _net(features: int, seed: int) -> tuple[Tensor, ...]:
    """Its three matrices, N(0, gain² / inputs), no biases, and what makes its variance 1.

    Without biases it is an odd function, so its mean is 0.
    """
    rng = Generator().manual_seed(seed)
    sizes = (features, HIDDEN, HIDDEN, 1)
    layers = [
        GAIN / math.sqrt(inputs) * torch.randn(inputs, outputs, generator=rng) for inputs, outputs in pairwise(sizes)
    ]
    squares = [
        _through(layers, torch.randn(MEASURED_ON // 16, features, generator=rng)).double().square().mean()
        for _ in range(16)  # in portions: a thousand features would take a gigabyte
    ]
    return (*layers, torch.stack(squares).mean().rsqrt().float())


def _through(layers: list[Tensor], x: Tensor) -> Tensor:
    *hidden, last = layers
    for kernel in hidden:
        x = (x @ kernel).tanh()
    return (x @ last).squeeze(1)
