"""Selective state spaces: what fades, what is written and what is read depends on what is shown."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import silu, softplus

from memspan.interfaces.mixer import Carried, Mixer
from memspan.interfaces.network import Weight, Weights
from memspan.layers import initializers
from memspan.layers.product import product
from memspan.layers.scan import scan
from memspan.layers.short_convolution import ShortConvolution

SHORTEST, LONGEST, LEAST = 0.001, 0.1, 1e-4
"""between which Δ starts, and below which it never does"""
SelectiveScan = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
"""(u, Δ (M, B, T, E), A (M, E, N), B, C (M, B, T, N)) -> y (M, B, T, E)"""


def selective_scan(u: Tensor, time: Tensor, rates: Tensor, into: Tensor, out: Tensor) -> Tensor:
    """h_en <- exp(Δ_e A_en) h_en + Δ_e u_e B_n, y_e = Σ_n C_n h_en.

    Shapes:
        u, time (M, B, T, E), rates (M, E, N), into, out (M, B, T, N) -> (M, B, T, E).
    """
    factor = torch.exp(time.unsqueeze(-1) * rates[:, None, None])  # (M, B, T, E, N)
    states = scan(factor, (time * u).unsqueeze(-1) * into.unsqueeze(-2))
    return (states @ out.unsqueeze(-1)).squeeze(-1)


@dataclass(frozen=True)
class SelectiveStateSpace(Mixer):
    """S6: (u, z) = W_in x, u <- SiLU(conv(u)), (r, B, C) = W_x u, Δ = softplus(W_Δ r + b), and with that the scan.

    y = (scan(u) + D u) SiLU(z) and W_out y. B is taken times Δ (Euler) where A is held (exp(Δ A)), as in the authors'
    code.

    Attributes:
        size: width d; inside it is twice as wide, E = 2 d.
        states: numbers that each of the E channels carries, N.
        scan: how the recurrence is run: an engine may have a faster way.

    Source:
        Gu & Dao (2023), arXiv 2312.00752; github.com/state-spaces/mamba, mamba_ssm/modules/mamba_simple.py.
    """

    size: int
    states: int
    convolution: int
    scan: SelectiveScan = selective_scan

    def weights(self) -> dict[str, Weight]:
        wide, rank = self.wide, self.rank
        return {
            "in": Weight((self.size, 2 * wide), initializers.uniform(1 / math.sqrt(self.size))),
            **self._short.weights(),
            "x": Weight((wide, rank + 2 * self.states), initializers.uniform(1 / math.sqrt(wide))),
            "step.kernel": Weight((rank, wide), initializers.uniform(1 / math.sqrt(rank))),
            "step.bias": Weight((wide,), first_times),
            "A_log": Weight((wide, self.states), _decays),
            "D": Weight((wide,), initializers.constant(1.0)),
            "out": Weight((wide, self.size), initializers.uniform(1 / math.sqrt(wide))),
        }

    def mix(self, weights: Weights, x: Tensor) -> Tensor:
        u, z = product(x, weights["in"]).chunk(2, dim=-1)
        u = silu(self._short.run(weights, u))
        time, into, out = self._selected(weights, u)
        y = self.scan(u, time, -torch.exp(weights["A_log"]), into, out) + weights["D"][:, None, None] * u
        return product(y * silu(z), weights["out"])

    def _selected(self, weights: Weights, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Δ (M, B, T, E), B and C (M, B, T, N)."""
        made = product(u, weights["x"])
        low, into, out = made.split([self.rank, self.states, self.states], dim=-1)
        return softplus(product(low, weights["step.kernel"]) + weights["step.bias"][:, None, None]), into, out

    def first(self, weights: Weights, batch: int) -> Carried:
        """States (M, B, E, N), and what the convolution carries."""
        matrix = weights["A_log"]
        return matrix.new_zeros(len(matrix), batch, *matrix.shape[1:]), *self._short.first(weights, batch)

    def step(self, weights: Weights, x: Tensor, carried: Carried) -> tuple[Tensor, Carried]:
        u, z = torch.bmm(x, weights["in"]).chunk(2, dim=-1)
        u, past = self._short.step(weights, u, carried[1:])
        u = silu(u)
        time, into, out = (each.squeeze(2) for each in self._selected(weights, u.unsqueeze(2)))
        factor = torch.exp(time.unsqueeze(-1) * -torch.exp(weights["A_log"]).unsqueeze(1))
        h = factor * carried[0] + (time * u).unsqueeze(-1) * into.unsqueeze(-2)
        y = (h * out.unsqueeze(-2)).sum(-1) + weights["D"].unsqueeze(1) * u
        return torch.bmm(y * silu(z), weights["out"]), (h, *past)

    @property
    def spared(self) -> frozenset[str]:
        """A, as in the authors' code."""
        return frozenset({"A_log"})

    @property
    def gated(self) -> bool:
        return True

    def keep(self, weights: Weights, x: Tensor) -> Tensor:
        """exp(Δ A), (M, B, T, E N)."""
        u = silu(self._short.run(weights, product(x, weights["in"]).chunk(2, dim=-1)[0]))
        time = self._selected(weights, u)[0]
        return torch.exp(time.unsqueeze(-1) * -torch.exp(weights["A_log"])[:, None, None]).flatten(3)

    @property
    def wide(self) -> int:
        """Channels inside, E."""
        return 2 * self.size

    @property
    def rank(self) -> int:
        """Numbers that Δ is made of, R."""
        return -(-self.size // 16)

    @property
    def _short(self) -> ShortConvolution:
        return ShortConvolution(self.wide, self.convolution)

    def state_sizes(self, length: int) -> dict[str, int]:
        return {"s": self.wide * self.states, **self._short.state_sizes()}

    def kept(self, length: int) -> int:
        """States of all steps, and what is between the matrices. torch alone keeps the states' factors, too."""
        each = self.wide * (self.states + 14) + self.rank + 2 * self.states
        return length * each + self._short.kept(length)

    def multiplications(self, length: int) -> int:
        """Products with matrices, and 4 for each state: its share, what is written, what is read."""
        matrices = 3 * self.size * self.wide + self.wide * (2 * self.rank + 2 * self.states)
        return length * (matrices + 4 * self.wide * self.states) + self._short.multiplications(length)

    @property
    def pace(self) -> float:
        return 0.65

    def operations(self, length: int) -> int:
        return 32 + 4 * math.isqrt(length) + self._short.operations()


def first_times(shape: tuple[int, ...], rng: Generator) -> Tensor:
    """The bias whose softplus is Δ, log-uniform between .001 and .1: x + log(1 - e^-x), exact where x is small."""
    drawn = torch.exp(math.log(SHORTEST) + math.log(LONGEST / SHORTEST) * torch.rand(shape, generator=rng))
    times = drawn.clamp(min=LEAST)
    return times + torch.log(-torch.expm1(-times))


def _decays(shape: tuple[int, ...], rng: Generator) -> Tensor:
    """log(n + 1) in each channel, so that A = -(n + 1)."""
    return torch.log(torch.arange(1.0, shape[1] + 1)).repeat(shape[0], 1)
