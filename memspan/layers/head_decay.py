"""How much of its state a head keeps, one number a step, made of what is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from memspan.interfaces.network import Initializer, Weight, Weights
from memspan.layers import initializers
from memspan.layers.product import product
from memspan.layers.selective_state_space import first_times

LEAST_RATE = 1e-3
"""what keeps a logarithm finite when a uniform draw is 0"""


@dataclass(frozen=True)
class HeadDecay:
    """log α = -exp(a) softplus(W x + b) of each head.

    Attributes:
        low, high: between which the rates exp(a) start; softplus(b) starts log-uniform from .001 to .1.

    Source:
        Dao & Gu (2024), arXiv 2405.21060; Yang, Kautz & Hatamizadeh (2024), arXiv 2412.06464.
    """

    size: int
    heads: int
    low: float
    high: float

    def weights(self) -> dict[str, Weight]:
        return {
            "decay.kernel": Weight((self.size, self.heads), initializers.uniform(1 / math.sqrt(self.size))),
            "decay.bias": Weight((self.heads,), first_times),
            "decay.A_log": Weight((self.heads,), log_of_uniform(self.low, self.high)),
        }

    def run(self, weights: Weights, x: Tensor) -> Tensor:
        """log α, (M, B, T, d) -> (M, B, T, h)."""
        time = softplus(product(x, weights["decay.kernel"]) + weights["decay.bias"][:, None, None])
        return -torch.exp(weights["decay.A_log"])[:, None, None] * time


def log_of_uniform(low: float, high: float) -> Initializer:
    """The logarithm of U(low, high)."""

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        return torch.log((low + (high - low) * torch.rand(shape, generator=rng)).clamp(min=LEAST_RATE))

    return draw
