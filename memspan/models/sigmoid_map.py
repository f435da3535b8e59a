"""Sigmoid map: the one-unit network without input in which gradients were first seen to hit a wall."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from memspan.interfaces.match import Width
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Initializer, Network, Weight, Weights
from memspan.interfaces.signature import Problem, Signature
from memspan.models import model

FIRST_STATE = 0.5


class SigmoidMap(ModelSpec):
    """One unit that feeds itself and sees no input: x_t = w σ(x_{t-1}) + b, answered as σ(x_T).

    Its loss over (w, b) has a flat valley beside a wall that grows steeper with every step. Two parameters; they
    start as normal numbers around w = 5 and b = -2.6, where the map has two attractors.
    """

    width: ClassVar[Width | None] = None
    title: ClassVar[str] = "Sigmoid map of one unit"
    reference: ClassVar[str] = "Pascanu, Mikolov & Bengio (2013), arXiv 1211.5063, figure 6"
    kind: Literal["sigmoid_map"] = "sigmoid_map"

    def objection(self, signature: Signature) -> str | None:
        if signature.problem is not Problem.REGRESSION or signature.outputs != 1 or signature.every_step:
            return "The model sigmoid_map answers with one number at the last step; take a task that asks for one."
        return None


def around(centre: float) -> Initializer:
    """N(centre, .1²)."""

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        return centre + 0.1 * torch.randn(shape, generator=rng)

    return draw


@model(SigmoidMap)
def build(spec: SigmoidMap, signature: Signature) -> Network:
    """T steps of x <- w σ(x) + b from x = .5, then σ(x). (M, B, T, C) -> (M, B, 1).

    Source:
        Pascanu, Mikolov & Bengio (2013), arXiv 1211.5063, section 2.3 and figure 6.
    """
    weights = {"recurrent": Weight((1, 1), around(5.0)), "bias": Weight((1,), around(-2.6))}

    def forward(weights: Weights, inputs: Tensor) -> Tensor:
        members, batch, steps, _ = inputs.shape
        w, b = weights["recurrent"], weights["bias"].unsqueeze(-1)  # (M, 1, 1)
        x = w.new_full((members, 1, 1), FIRST_STATE)
        for _ in range(steps):
            x = w * torch.sigmoid(x) + b
        return torch.sigmoid(x).expand(members, batch, 1)

    return Network(weights, forward, state_size=1, receptive_field=0, any_length=True)
