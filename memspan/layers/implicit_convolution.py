"""Hyena: gated long convolutions whose kernels are made by a small network of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from memspan.interfaces.mixer import Carried, Mixer
from memspan.interfaces.network import Weight, Weights
from memspan.layers import initializers, long_convolution
from memspan.layers.product import product
from memspan.layers.short_convolution import ShortConvolution

FEATURES = 3
"""of time: t, cos(2π t) and sin(2π t), in lengths of the sequences that the network was built for"""
FASTEST, SLOWEST, LEFT = 0.3, 1.5, 0.01
"""shares of that length after which the fastest and the slowest channel's kernel has faded to a hundredth"""


@dataclass(frozen=True)
class ImplicitConvolution(Mixer):
    """(x1, x2, v) = conv(W x), y = W_o (x1 ⊙ (K * (x2 ⊙ v) + b ⊙ x2 ⊙ v)).

    The kernel K_t of a channel is W3 sin(ω (W2 sin(ω (W2' sin(ω (W1 φ(t) + b)) + b)) + b)) times exp(-r t), φ features
    of time. Time counts in ``length``, the steps that the network was built for, also where it is asked about others.

    Attributes:
        filter_size: width of the network that makes the kernel.

    Source:
        Poli et al. (2023), arXiv 2302.10866, order 2; github.com/HazyResearch/safari, src/models/sequence/hyena.py.
    """

    grows: ClassVar[bool] = True
    size: int
    filter_size: int
    convolution: int
    length: int

    def weights(self) -> dict[str, Weight]:
        start, wide = initializers.uniform(1 / math.sqrt(self.size)), self.filter_size
        inner = initializers.uniform(1 / math.sqrt(wide))
        first = initializers.uniform(1 / math.sqrt(FEATURES))
        return {
            "in": Weight((self.size, 3 * self.size), start),
            **self._short.weights(),
            "filter.in": Weight((FEATURES, wide), first),
            "filter.in_bias": Weight((wide,), first),
            "filter.inner": Weight((2, wide, wide), inner),
            "filter.inner_bias": Weight((2, wide), inner),
            "filter.frequency": Weight((wide,), initializers.constant(1.0)),
            "filter.out": Weight((wide, self.size), inner),
            "bias": Weight((self.size,), initializers.normal(1.0)),
            "out": Weight((self.size, self.size), start),
        }

    @property
    def spared(self) -> frozenset[str]:
        """Biases that lie in a matrix."""
        return frozenset({"filter.inner_bias"})

    def mix(self, weights: Weights, x: Tensor) -> Tensor:
        gate, inner, v = self._short.run(weights, product(x, weights["in"])).chunk(3, dim=-1)
        u = inner * v
        made = long_convolution.convolved(u, self.kernel(weights, x.shape[2]))
        return product(gate * (made + weights["bias"][:, None, None] * u), weights["out"])

    def kernel(self, weights: Weights, steps: int) -> Tensor:
        """K, (M, d, T)."""
        matrix = weights["filter.in"]
        time = torch.arange(steps, dtype=matrix.dtype, device=matrix.device) / max(self.length - 1, 1)
        features = torch.stack([time, torch.cos(2 * math.pi * time), torch.sin(2 * math.pi * time)], dim=-1)
        frequency = weights["filter.frequency"].unsqueeze(1)
        hidden = torch.sin(frequency * (features @ matrix + weights["filter.in_bias"].unsqueeze(1)))
        inner = zip(weights["filter.inner"].unbind(1), weights["filter.inner_bias"].unbind(1), strict=True)
        for kernel, bias in inner:
            hidden = torch.sin(frequency * torch.baddbmm(bias.unsqueeze(1), hidden, kernel))
        rates = -math.log(LEFT) / torch.linspace(SLOWEST, FASTEST, self.size, dtype=time.dtype, device=time.device)
        made = torch.bmm(hidden, weights["filter.out"]) * torch.exp(-time[:, None] * rates)
        return made.transpose(1, 2)

    def first(self, weights: Weights, batch: int) -> Carried:
        """What was convolved at each step so far (M, B, 0, d), and what the short convolution carries."""
        matrix = weights["out"]
        return matrix.new_zeros(len(matrix), batch, 0, self.size), *self._short.first(weights, batch)

    def step(self, weights: Weights, x: Tensor, carried: Carried) -> tuple[Tensor, Carried]:
        made, past = self._short.step(weights, torch.bmm(x, weights["in"]), carried[1:])
        gate, inner, v = made.chunk(3, dim=-1)
        history = torch.cat([carried[0], (inner * v).unsqueeze(2)], dim=2)  # (M, B, t, d)
        kernel = self.kernel(weights, history.shape[2]).flip(-1).transpose(1, 2).unsqueeze(1)  # (M, 1, t, d)
        summed = (kernel * history).sum(2) + weights["bias"].unsqueeze(1) * history[:, :, -1]
        return torch.bmm(gate * summed, weights["out"]), (history, *past)

    @property
    def _short(self) -> ShortConvolution:
        return ShortConvolution(3 * self.size, self.convolution)

    def state_sizes(self, length: int) -> dict[str, int]:
        return {"history": length * self.size, **self._short.state_sizes()}

    def kept(self, length: int) -> int:
        return long_convolution.kept(length, self.size) + 7 * length * self.size + self._short.kept(length)

    def multiplications(self, length: int) -> int:
        wide = self.filter_size
        kernel = wide * (FEATURES + 2 * wide + self.size)
        convolution = long_convolution.multiplications(length, self.size)
        return length * (4 * self.size**2 + kernel) + convolution + self._short.multiplications(length)

    def operations(self, length: int) -> int:
        return 44 + self._short.operations()
