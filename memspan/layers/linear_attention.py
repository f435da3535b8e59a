"""Gated linear attention: what a head saw is added up in a matrix that fades."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, silu

from memspan.interfaces.mixer import Carried
from memspan.interfaces.network import Weight, Weights
from memspan.layers import decayed_attention, initializers
from memspan.layers.head_decay import HeadDecay
from memspan.layers.heads import gated, joined, parted
from memspan.layers.matrix_memory import MatrixMemory
from memspan.layers.product import product

Decay = Literal["vector", "head", "fixed"]
RANK, ROOT = 16, 16
"""of the matrix that a vector of gates is made by, and which root of the sigmoid it is: it starts near .96"""


@dataclass(frozen=True)
class LinearAttention(MatrixMemory):
    """S = diag(α) S + k vᵀ and o = Sᵀ q / sqrt(K) in each head, y = W_o (norm(o) ⊙ SiLU(W_g x)).

    α is a vector sigmoid(W2 W1 x + b)^(1/16) (GLA), a number of each head made of the input (Mamba-2), or 1 - 2^(-5-i)
    of head i for ever (RetNet). With a short convolution q, k and v are SiLU(conv(W x)).

    Source:
        Yang, Wang, Shen, Panda & Kim (2023), arXiv 2312.06635; Dao & Gu (2024), arXiv 2405.21060; Sun et al. (2023),
        arXiv 2307.08621; github.com/fla-org/flash-linear-attention, fla/layers/gla.py.
    """

    decay: Decay

    def weights(self) -> dict[str, Weight]:
        start = initializers.uniform(1 / math.sqrt(self.size))
        return {
            "qkv": Weight((self.size, self.wide), start),
            **self.short.weights(),
            **self._decay_weights(),
            "gate": Weight((self.size, self.size), start),
            "norm": Weight((self.value,), initializers.constant(1.0)),
            "out": Weight((self.size, self.size), start),
        }

    def _decay_weights(self) -> dict[str, Weight]:
        if self.decay == "head":
            return self._head_decay.weights()
        if self.decay == "fixed":
            return {}
        keys = self.heads * self.key
        return {
            "decay.down": Weight((self.size, RANK), initializers.uniform(1 / math.sqrt(self.size))),
            "decay.up": Weight((RANK, keys), initializers.uniform(1 / math.sqrt(RANK))),
            "decay.bias": Weight((keys,), initializers.zeros),
        }

    def mix(self, weights: Weights, x: Tensor) -> Tensor:
        members, batch = x.shape[:2]
        q, k, v = self._split(self.short.run(weights, product(x, weights["qkv"])))
        decay = parted(self.log_decay(weights, x), self.heads)
        q, k, v = (parted(each, self.heads) for each in (q, k, v))
        made = decayed_attention.decayed_attention(q, k, v, decay)
        mixed = gated(joined(made, members, batch), weights["norm"], product(x, weights["gate"]))
        return product(mixed, weights["out"])

    def _split(self, made: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """q / sqrt(K), k (.., h K) and v (.., d)."""
        q, k, v = (silu(made) if self.convolution else made).split([self.keys, self.keys, self.size], dim=-1)
        return q / math.sqrt(self.key), k, v

    def log_decay(self, weights: Weights, x: Tensor) -> Tensor:
        """log α, (M, B, T, h), or (M, B, T, h K) of a vector."""
        if self.decay == "head":
            return self._head_decay.run(weights, x)
        if self.decay == "fixed":
            heads = torch.arange(self.heads, dtype=torch.float64)
            fixed = torch.log1p(-(2.0 ** (-5 - heads))).to(x)
            return fixed.expand(*x.shape[:3], -1)
        made = product(product(x, weights["decay.down"]), weights["decay.up"]) + weights["decay.bias"][:, None, None]
        return logsigmoid(made) / ROOT

    @property
    def gated(self) -> bool:
        return True

    def keep(self, weights: Weights, x: Tensor) -> Tensor:
        """α, one for each head or for each number of its keys."""
        return torch.exp(self.log_decay(weights, x))

    def step(self, weights: Weights, x: Tensor, carried: Carried) -> tuple[Tensor, Carried]:
        made, past = self.short.step(weights, torch.bmm(x, weights["qkv"]), carried[1:])
        q, k, v = (each.unflatten(-1, (self.heads, -1)) for each in self._split(made))
        share = self.keep(weights, x.unsqueeze(2)).squeeze(2).unflatten(-1, (self.heads, -1))
        state = share.unsqueeze(-1) * carried[0] + k.unsqueeze(-1) * v.unsqueeze(-2)
        read = (state * q.unsqueeze(-1)).sum(-2)  # (M, B, h, V)
        mixed = gated(read, weights["norm"], torch.bmm(x, weights["gate"]))
        return torch.bmm(mixed, weights["out"]), (state, *past)

    @property
    def _head_decay(self) -> HeadDecay:
        return HeadDecay(self.size, self.heads, 1.0, 16.0)

    @property
    def _vector(self) -> bool:
        return self.decay == "vector" and self.key > 1

    def kept(self, length: int) -> int:
        heads = self.heads * decayed_attention.kept(length, self.key, self.value, self._vector)
        each = (3 if self.convolution else 1) * self.wide + 7 * self.size + 2 * self.heads * self.key
        gates = {"vector": RANK + 3 * self.heads * self.key, "head": 4 * self.heads, "fixed": 0}[self.decay]
        return length * (each + gates) + heads + self.short.kept(length)

    def multiplications(self, length: int) -> int:
        keys = self.heads * self.key
        gates = {"vector": RANK * (self.size + keys), "head": self.size * self.heads, "fixed": 0}[self.decay]
        matrices = self.size * (self.wide + 2 * self.size) + gates
        heads = self.heads * decayed_attention.multiplications(length, self.key, self.value, self._vector)
        return length * matrices + heads + self.short.multiplications(length)

    def operations(self, length: int) -> int:
        gates = {"vector": 6, "head": 6, "fixed": 6}[self.decay]
        return 16 + gates + decayed_attention.operations(length, self._vector) + self.short.operations()
