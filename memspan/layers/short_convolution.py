"""Short convolutions: each channel from its own last few steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from memspan.interfaces.mixer import Carried
from memspan.interfaces.network import Weight, Weights
from memspan.layers import initializers


@dataclass(frozen=True)
class ShortConvolution:
    """A causal depthwise convolution: y_t = b + w_0 x_{t-k+1} + ... + w_{k-1} x_t in each channel by itself.

    Attributes:
        channels: of what it is shown.
        size: steps that it covers, k; with 0 there is none, and what is shown passes.
    """

    channels: int
    size: int

    def weights(self) -> dict[str, Weight]:
        """Kernel (C, k) and bias (C,), U(±1/sqrt(k)) as torch's Conv1d of one channel a group."""
        if not self.size:
            return {}
        start = initializers.uniform(1 / math.sqrt(self.size))
        return {
            "convolution.kernel": Weight((self.channels, self.size), start),
            "convolution.bias": Weight((self.channels,), start),
        }

    def run(self, weights: Weights, x: Tensor) -> Tensor:
        """All steps at once, (M, B, T, C) -> (M, B, T, C); zeros precede the first."""
        if not self.size:
            return x
        kernel, steps = weights["convolution.kernel"], x.shape[2]
        longer = pad(x, (0, 0, self.size - 1, 0))
        made = weights["convolution.bias"][:, None, None]
        for back in range(self.size):
            made = torch.addcmul(made, longer[:, :, back : back + steps], kernel[:, None, None, :, back])
        return made

    def first(self, weights: Weights, batch: int) -> Carried:
        """The last k - 1 steps (M, B, k - 1, C), at the start zeros."""
        if not self.size:
            return ()
        bias = weights["convolution.bias"]
        return (bias.new_zeros(len(bias), batch, self.size - 1, self.channels),)

    def step(self, weights: Weights, x: Tensor, carried: Carried) -> tuple[Tensor, Carried]:
        """One step, (M, B, C) -> (M, B, C)."""
        if not self.size:
            return x, ()
        seen = torch.cat([carried[0], x.unsqueeze(2)], dim=2)  # (M, B, k, C)
        kernel = weights["convolution.kernel"].transpose(1, 2).unsqueeze(1)
        return (seen * kernel).sum(2) + weights["convolution.bias"].unsqueeze(1), (seen[:, :, 1:],)

    def state_sizes(self) -> dict[str, int]:
        """``past``: the steps that it still needs."""
        return {"past": (self.size - 1) * self.channels} if self.size else {}

    @property
    def reach(self) -> int:
        """Steps before its own that it covers."""
        return max(self.size - 1, 0)

    def kept(self, length: int) -> int:
        """Of a sequence: what it is shown."""
        return length * self.channels if self.size else 0

    def multiplications(self, length: int) -> int:
        return length * self.channels * self.size

    def operations(self) -> int:
        return 3 * self.size + 1 if self.size else 0
