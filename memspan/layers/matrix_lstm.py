"""mLSTM: an LSTM whose cell is a matrix, with exponential gates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import logsigmoid, silu

from memspan.interfaces.mixer import Carried
from memspan.interfaces.network import Weight, Weights
from memspan.layers import decayed_attention, initializers
from memspan.layers.heads import joined, normed, parted
from memspan.layers.matrix_memory import MatrixMemory
from memspan.layers.product import product

NEVER = -1e30
"""the logarithm of a gate that never opened: m before the first step"""
FORGET_LOW, FORGET_HIGH = 3.0, 6.0
"""biases of the forget gates at the start, spread over the heads"""


@dataclass(frozen=True)
class MatrixLSTM(MatrixMemory):
    """C = f C + i k vᵀ, n = f n + i k and h = Cᵀ q / max(|n · q|, 1) in each head, i = exp(ĩ), f = σ(f̃).

    k is divided by sqrt(K), and y = W_o (σ(W_g x) ⊙ norm(h)). With m = max(log f + m, ĩ) gates are kept as
    i' = exp(ĩ - m) and f' = exp(log f + m_{t-1} - m_t), neither above 1, and the bound becomes exp(-m): h is the same
    whatever m is, so nothing is differentiated by it. With a short convolution q and k are SiLU(conv(W x)).

    Source:
        Beck et al. (2024), arXiv 2405.04517, equations 19 to 27 and appendix A.3; gates start as in xlstm's
        mlstm/cell.py: kernels 0, biases of f linear in 3 .. 6, those of i N(0, 0.1²).
    """

    def weights(self) -> dict[str, Weight]:
        start = initializers.uniform(1 / math.sqrt(self.size))
        return {
            "qk": Weight((self.size, 2 * self.keys), start),
            **self.short.weights(),
            "v": Weight((self.size, self.size), start),
            "gates.kernel": Weight((self.size, 2 * self.heads), initializers.zeros),
            "gates.bias": Weight((2 * self.heads,), first_gates),
            "output": Weight((self.size, self.size), start),
            "norm": Weight((self.value,), initializers.constant(1.0)),
            "out": Weight((self.size, self.size), start),
        }

    def mix(self, weights: Weights, x: Tensor) -> Tensor:
        members, batch = x.shape[:2]
        q, k = self._asked(self.short.run(weights, product(x, weights["qk"])))
        v = parted(product(x, weights["v"]), self.heads)
        opened, forget = (parted(each, self.heads) for each in self._gates(weights, x))
        top = highest(opened, forget)  # m, (M B h, T, 1)
        before = torch.cat([top[:, :1] - forget[:, :1].detach(), top[:, :-1]], dim=1)
        key = parted(k, self.heads) * torch.exp(opened - top)
        ones = torch.cat([v, torch.ones_like(v[..., :1])], dim=-1)
        read = decayed_attention.decayed_attention(parted(q, self.heads), key, ones, forget + before - top)
        h = read[..., :-1] / torch.maximum(read[..., -1:].abs(), torch.exp(-top))
        mixed = normed(joined(h, members, batch), weights["norm"])
        return product(torch.sigmoid(product(x, weights["output"])) * mixed, weights["out"])

    def _asked(self, made: Tensor) -> tuple[Tensor, Tensor]:
        """q and k / sqrt(K)."""
        q, k = (silu(made) if self.convolution else made).chunk(2, dim=-1)
        return q, k / math.sqrt(self.key)

    def _gates(self, weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
        """ĩ and log f of each head, (M, B, T, h)."""
        made = product(x, weights["gates.kernel"]) + weights["gates.bias"][:, None, None]
        opened, kept = made.chunk(2, dim=-1)
        return opened, logsigmoid(kept)

    @property
    def gated(self) -> bool:
        return True

    def keep(self, weights: Weights, x: Tensor) -> Tensor:
        """f of each head; what an open input gate writes beside it may be larger by far."""
        return torch.exp(self._gates(weights, x)[1])

    def first(self, weights: Weights, batch: int) -> Carried:
        """C (M, B, h, K, V), n (M, B, h, K), m (M, B, h), and what the convolution carries."""
        zeros, *past = super().first(weights, batch)
        top = torch.full_like(zeros[..., 0, 0], NEVER)
        return zeros, zeros[..., 0], top, *past

    def step(self, weights: Weights, x: Tensor, carried: Carried) -> tuple[Tensor, Carried]:
        matrix, norm, top = carried[:3]
        made, past = self.short.step(weights, torch.bmm(x, weights["qk"]), carried[3:])
        q, k = (each.unflatten(-1, (self.heads, -1)) for each in self._asked(made))
        v = torch.bmm(x, weights["v"]).unflatten(-1, (self.heads, -1))
        opened, forget = (each.squeeze(2) for each in self._gates(weights, x.unsqueeze(2)))  # (M, B, h)
        new = torch.maximum(forget + top, opened)
        i, f = torch.exp(opened - new).unsqueeze(-1), torch.exp(forget + top - new).unsqueeze(-1)
        matrix = f.unsqueeze(-1) * matrix + (i * k).unsqueeze(-1) * v.unsqueeze(-2)
        norm = f * norm + i * k
        bound = torch.maximum((norm * q).sum(-1).abs(), torch.exp(-new)).unsqueeze(-1)
        h = (matrix * q.unsqueeze(-1)).sum(-2) / bound
        mixed = torch.sigmoid(torch.bmm(x, weights["output"])) * normed(h, weights["norm"])
        return torch.bmm(mixed, weights["out"]), (matrix, norm, new, *past)

    @property
    def wide(self) -> int:
        """Queries and keys alone go through the convolution."""
        return 2 * self.keys

    def state_sizes(self, length: int) -> dict[str, int]:
        matrix = self.keys * self.value
        return {"c": matrix, "n": self.keys, "m": self.heads, **self.short.state_sizes()}

    def kept(self, length: int) -> int:
        heads = self.heads * decayed_attention.kept(length, self.key, self.value + 1, False)
        each = (8 if self.convolution else 5) * self.keys + 9 * self.size + 12 * self.heads
        return length * each + heads + self.short.kept(length)

    def multiplications(self, length: int) -> int:
        matrices = self.size * (2 * self.keys + 3 * self.size + 2 * self.heads)
        heads = self.heads * decayed_attention.multiplications(length, self.key, self.value + 1, False)
        return length * matrices + heads + self.short.multiplications(length)

    def operations(self, length: int) -> int:
        return 48 + decayed_attention.operations(length, False) + self.short.operations()


@torch.no_grad()
def highest(opened: Tensor, forget: Tensor) -> Tensor:
    """m_t = max(log f_t + m_{t-1}, ĩ_t) from m = -∞, for all t: c_t + max over s <= t of (ĩ_s - c_s), c the sum of
    log f; (P, T, 1)."""
    total = forget.cumsum(1)
    found: Tensor = total + (opened - total).cummax(1).values
    return found


def first_gates(shape: tuple[int, ...], rng: Generator) -> Tensor:
    """Biases of the input gates N(0, 0.1²), then those of the forget gates, from 3 to 6 over the heads."""
    heads = shape[0] // 2
    return torch.cat([0.1 * torch.randn(heads, generator=rng), torch.linspace(FORGET_LOW, FORGET_HIGH, heads)])
