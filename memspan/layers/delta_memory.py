"""Gated DeltaNet: heads that correct a matrix where it was wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import silu

from memspan.interfaces.mixer import Carried
from memspan.interfaces.network import Weight, Weights
from memspan.layers import delta_rule, initializers
from memspan.layers.head_decay import HeadDecay
from memspan.layers.heads import gated, joined, parted
from memspan.layers.matrix_memory import MatrixMemory
from memspan.layers.product import product

EPSILON = 1e-6
"""what keeps the norm of a key of zeros from dividing by 0"""


@dataclass(frozen=True)
class DeltaMemory(MatrixMemory):
    """S <- α S, S <- S + β k (v - Sᵀ k)ᵀ and o = Sᵀ q / sqrt(K) in each head, y = W_o (norm(o) ⊙ SiLU(W_g x)).

    q, k, v = SiLU(conv(W x)), q and k divided by their lengths, β = σ(W_β x), α one number of each head; without
    ``fading`` α = 1, which is DeltaNet. A key of length 1 keeps S bounded.

    Source:
        Yang, Kautz & Hatamizadeh (2024), arXiv 2412.06464; github.com/fla-org/flash-linear-attention,
        fla/layers/gated_deltanet.py.
    """

    fading: bool

    @property
    def gated(self) -> bool:
        return self.fading

    def weights(self) -> dict[str, Weight]:
        start = initializers.uniform(1 / math.sqrt(self.size))
        return {
            "qkv": Weight((self.size, self.wide), start),
            **self.short.weights(),
            "beta": Weight((self.size, self.heads), start),
            **(self._decay.weights() if self.fading else {}),
            "gate": Weight((self.size, self.size), start),
            "norm": Weight((self.value,), initializers.constant(1.0)),
            "out": Weight((self.size, self.size), start),
        }

    def mix(self, weights: Weights, x: Tensor) -> Tensor:
        members, batch = x.shape[:2]
        q, k, v = self._split(self.short.run(weights, product(x, weights["qkv"])))
        beta, decay = torch.sigmoid(product(x, weights["beta"])), self._log_decay(weights, x)
        parts = (*(each.flatten(-2) for each in (q, k, v)), beta, decay)
        made = delta_rule.delta_rule(*(parted(each, self.heads) for each in parts))
        mixed = gated(joined(made, members, batch), weights["norm"], product(x, weights["gate"]))
        return product(mixed, weights["out"])

    def _split(self, made: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """q / sqrt(K), k (.., h, K) and v (.., h, V)."""
        q, k, v = (
            each.unflatten(-1, (self.heads, -1)) for each in silu(made).split([self.keys, self.keys, self.size], dim=-1)
        )
        return _unit(q) / math.sqrt(self.key), _unit(k), v

    def _log_decay(self, weights: Weights, x: Tensor) -> Tensor:
        """log α, (M, B, T, h)."""
        return self._decay.run(weights, x) if self.fading else x.new_zeros(*x.shape[:3], self.heads)

    def keep(self, weights: Weights, x: Tensor) -> Tensor:
        """α of each head."""
        return torch.exp(self._log_decay(weights, x))

    def step(self, weights: Weights, x: Tensor, carried: Carried) -> tuple[Tensor, Carried]:
        made, past = self.short.step(weights, torch.bmm(x, weights["qkv"]), carried[1:])
        q, k, v = self._split(made)  # (M, B, h, ...)
        beta = torch.sigmoid(torch.bmm(x, weights["beta"])).unsqueeze(-1)
        state = self.keep(weights, x.unsqueeze(2)).squeeze(2)[..., None, None] * carried[0]
        error = v - (state * k.unsqueeze(-1)).sum(-2)
        state = state + k.unsqueeze(-1) * (beta * error).unsqueeze(-2)
        mixed = gated((state * q.unsqueeze(-1)).sum(-2), weights["norm"], torch.bmm(x, weights["gate"]))
        return torch.bmm(mixed, weights["out"]), (state, *past)

    @property
    def _decay(self) -> HeadDecay:
        return HeadDecay(self.size, self.heads, 0.0, 16.0)

    def kept(self, length: int) -> int:
        heads = self.heads * delta_rule.kept(length, self.key, self.value)
        each = 2 * self.wide + 6 * self.size + 6 * self.heads * self.key + 6 * self.heads
        return length * each + heads + self.short.kept(length)

    def multiplications(self, length: int) -> int:
        matrices = self.size * (self.wide + 2 * self.size + 2 * self.heads)
        heads = self.heads * delta_rule.multiplications(length, self.key, self.value)
        return length * matrices + heads + self.short.multiplications(length)

    def operations(self, length: int) -> int:
        return 42 + delta_rule.operations(length) + self.short.operations()


def _unit(x: Tensor) -> Tensor:
    """x / |x| over the last axis; 0 of zeros."""
    return x * torch.rsqrt(x.square().sum(-1, keepdim=True) + EPSILON)
