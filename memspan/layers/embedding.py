"""The way in: numbers by a linear map, class numbers by looking their vectors up."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from memspan.interfaces.network import Weight, Weights
from memspan.layers import initializers
from memspan.layers.product import product


@dataclass(frozen=True)
class Embedding:
    """Vectors of ``size`` numbers for what a step shows.

    Numbers x become x W + b, with b drawn like W: what reads them normalises each step, and of a single channel
    without b nothing but the sign would be left. A token is a class number in one channel. It picks its row of W,
    which is the product of W with a one at its place and 0 elsewhere.

    Attributes:
        inputs: channels of numbers, or how many classes there are.
        deviation: of the weights, which start normal around 0.
        classes: whether a step shows a class number.
    """

    inputs: int
    size: int
    deviation: float
    classes: bool = False

    def weights(self) -> dict[str, Weight]:
        """The kernel (C, d), and for numbers the bias (d,)."""
        start = initializers.normal(self.deviation)
        bias = {} if self.classes else {"embedding.bias": Weight((self.size,), start)}
        return {"embedding.kernel": Weight((self.inputs, self.size), start), **bias}

    def __call__(self, weights: Weights, inputs: Tensor) -> Tensor:
        """Numbers (M, B, T, C), or tokens (M, B, T, 1), -> (M, B, T, d)."""
        kernel = weights["embedding.kernel"]
        if not self.classes:
            return product(inputs, kernel) + weights["embedding.bias"][:, None, None]
        first = torch.arange(kernel.shape[0], device=inputs.device)[:, None, None] * kernel.shape[1]
        return functional.embedding(inputs.squeeze(-1).long() + first, kernel.flatten(0, 1))

    @property
    def multiplications(self) -> int:
        """Of a step."""
        return 0 if self.classes else self.inputs * self.size
