"""Diagonal state spaces: each channel drives some states that decay, each by itself, and is answered by their sum."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import gelu, glu

from memspan.interfaces.mixer import Carried, Mixer
from memspan.interfaces.network import Initializer, Weight, Weights
from memspan.layers import initializers, long_convolution
from memspan.layers.dense import affine, dense
from memspan.layers.short_convolution import ShortConvolution

SHORTEST, LONGEST = 0.001, 0.1
"""of the steps of time that channels start with"""


@dataclass(frozen=True)
class DiagonalStateSpace(Mixer):
    """h = ā ⊙ h + b̄ u and y = Re Σ_n C_n h_n + D u in each channel, then GLU(W GELU(y) + b).

    ā = exp(Δ A) and b̄ = (ā - 1) / A hold what u was for a step of time Δ (zero-order hold); B is merged into C. No gate
    depends on the input, so all steps are one convolution with K_j = Re Σ_n C_n b̄_n ā_n^j.

    Real states decay by A_n = -(n + 1). Complex ones (``linear``) turn, too: A_n = -1/2 + i π n, half as many of them,
    as each is two numbers and stands for a conjugate pair, so that twice the real part is read.

    Attributes:
        size: width d.
        states: numbers that each channel carries, N.

    Source:
        Gu, Gupta, Goel & Ré (2022), arXiv 2206.11893: S4D-Real and S4D-Lin.
    """

    size: int
    states: int
    linear: bool
    convolution: int

    def weights(self) -> dict[str, Weight]:
        shape = (self.size, self._modes)
        frequency = {"frequency": Weight(shape, _frequencies)} if self.linear else {}
        return {
            **self._short.weights(),
            "decay": Weight(shape, initializers.constant(math.log(0.5)) if self.linear else _decays),
            **frequency,
            "step": Weight((self.size,), log_uniform(SHORTEST, LONGEST)),
            "C": Weight((self.size, self.states), initializers.normal(1.0)),
            "D": Weight((self.size,), initializers.constant(1.0)),
            **dense("gate", self.size, 2 * self.size, "torch"),
        }

    def mix(self, weights: Weights, x: Tensor) -> Tensor:
        u = self._short.run(weights, x)
        y = long_convolution.convolved(u, self.kernel(weights, x.shape[2])) + weights["D"][:, None, None] * u
        return self._gated(weights, y.flatten(1, 2)).view(x.shape)

    def kernel(self, weights: Weights, steps: int) -> Tensor:
        """K_j, (M, d, T)."""
        rates, factor = self._rates(weights)
        powers = torch.exp(rates.unsqueeze(-1) * torch.arange(steps, device=rates.device))  # (M, d, N, T)
        return ((self._out(weights) * factor).unsqueeze(2) @ powers).squeeze(2).real

    def first(self, weights: Weights, batch: int) -> Carried:
        """States (M, B, d, N), a complex one as two numbers, and what the convolution carries."""
        matrix = weights["C"]
        return matrix.new_zeros(len(matrix), batch, self.size, self.states), *self._short.first(weights, batch)

    def step(self, weights: Weights, x: Tensor, carried: Carried) -> tuple[Tensor, Carried]:
        u, past = self._short.step(weights, x, carried[1:])
        rates, factor = (each.unsqueeze(1) for each in self._rates(weights))
        h = torch.exp(rates) * self._paired(carried[0]) + factor * u.unsqueeze(-1)
        y = (self._out(weights).unsqueeze(1) * h).sum(-1).real + weights["D"].unsqueeze(1) * u
        kept = torch.view_as_real(h).flatten(-2) if self.linear else h
        return self._gated(weights, y), (kept, *past)

    def _rates(self, weights: Weights) -> tuple[Tensor, Tensor]:
        """Δ A and b̄, each (M, d, N), or (M, d, N / 2) complex."""
        decay, time = -torch.exp(weights["decay"]), torch.exp(weights["step"]).unsqueeze(-1)
        rates = torch.complex(decay, weights["frequency"]) if self.linear else decay
        return time * rates, torch.expm1(time * rates) / rates

    def _out(self, weights: Weights) -> Tensor:
        return 2 * self._paired(weights["C"]) if self.linear else weights["C"]

    def _paired(self, x: Tensor) -> Tensor:
        return torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) if self.linear else x

    def _gated(self, weights: Weights, y: Tensor) -> Tensor:
        """(M, B, d) -> (M, B, d)."""
        return glu(affine(weights, "gate", gelu(y)))

    @property
    def spared(self) -> frozenset[str]:
        """A, as in github.com/state-spaces/s4, s4d.py."""
        return frozenset({"decay", "frequency"})

    @property
    def gated(self) -> bool:
        return True

    def keep(self, weights: Weights, x: Tensor) -> Tensor:
        """|ā|, the same at all steps: (M, B, T, d N), or half as many."""
        shares = torch.exp(self._rates(weights)[0].real).flatten(1)
        return shares[:, None, None].expand(-1, x.shape[1], x.shape[2], -1)

    @property
    def _modes(self) -> int:
        return self.states // 2 if self.linear else self.states

    @property
    def _short(self) -> ShortConvolution:
        return ShortConvolution(self.size, self.convolution)

    def state_sizes(self, length: int) -> dict[str, int]:
        return {"s": self.size * self.states, **self._short.state_sizes()}

    def kept(self, length: int) -> int:
        """The convolution's input, D u, GELU's and the gate's input and output."""
        return long_convolution.kept(length, self.size) + 5 * length * self.size + self._short.kept(length)

    def multiplications(self, length: int) -> int:
        gate = 2 * length * self.size**2
        return gate + long_convolution.multiplications(length, self.size) + self._short.multiplications(length)

    def operations(self, length: int) -> int:
        return 26 + (14 if self.linear else 0) + self._short.operations()


def _decays(shape: tuple[int, ...], rng: Generator) -> Tensor:
    """log(n + 1) in each channel."""
    return torch.log(torch.arange(1.0, shape[1] + 1)).repeat(shape[0], 1)


def _frequencies(shape: tuple[int, ...], rng: Generator) -> Tensor:
    """π n in each channel."""
    return (math.pi * torch.arange(float(shape[1]))).repeat(shape[0], 1)


def log_uniform(low: float, high: float) -> Initializer:
    """log U in log space: exp of it lies between both, each decade as often."""

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        return math.log(low) + math.log(high / low) * torch.rand(shape, generator=rng)

    return draw
