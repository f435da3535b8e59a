"""Causal softmax attention."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from memspan.interfaces.mixer import Carried, Mixer
from memspan.interfaces.network import Weight, Weights
from memspan.layers import initializers
from memspan.layers.product import product
from memspan.layers.rotary import turned
from memspan.layers.short_convolution import ShortConvolution


@dataclass(frozen=True)
class CausalAttention(Mixer):
    """o_t = Σ_s a_ts v_s with a_ts = softmax over s <= t of q_t · k_s / sqrt(e), for each head of e = d / h numbers.

    q, k, v = conv(W x) and y = W_o o, without biases.

    Attributes:
        size: width d.
        rotary: whether q and k are turned by their positions.
        window: steps that are seen, its own included; None = all.
        convolution: steps of the convolution of q, k and v; 0 = there is none.

    Source:
        Vaswani et al. (2017), arXiv 1706.03762; windows as in Beltagy et al. (2020), arXiv 2004.05150.
    """

    grows: ClassVar[bool] = True
    size: int
    heads: int
    rotary: bool
    window: int | None
    convolution: int

    def weights(self) -> dict[str, Weight]:
        start = initializers.uniform(1 / math.sqrt(self.size))
        return {
            "qkv": Weight((self.size, 3 * self.size), start),
            **self._short.weights(),
            "out": Weight((self.size, self.size), start),
        }

    def mix(self, weights: Weights, x: Tensor) -> Tensor:
        q, k, v = self._heads(weights, x)
        seen = None if self._sees_all(x.shape[2]) else self.visible(x.shape[2], x.device)
        mixed = scaled_dot_product_attention(q, k, v, seen, is_causal=seen is None)  # (M B, h, T, e)
        return product(mixed.transpose(1, 2).reshape(x.shape), weights["out"])

    def attention(self, weights: Weights, x: Tensor) -> Tensor:
        """The shares a_ts that each step gives to each other one, (M, B, h, T, T)."""
        q, k, _ = self._heads(weights, x)
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        shares = scores.masked_fill(~self.visible(x.shape[2], x.device), -torch.inf).softmax(-1)
        return shares.view(*x.shape[:2], *shares.shape[1:])

    def visible(self, steps: int, device: torch.device) -> Tensor:
        """Which steps see which, (T, T): t - window < s <= t."""
        lags = torch.arange(steps, device=device)[:, None] - torch.arange(steps, device=device)
        return (lags >= 0) & (lags < (self.window or steps))

    def _sees_all(self, steps: int) -> bool:
        return self.window is None or self.window >= steps

    def _heads(self, weights: Weights, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """q, k and v of each head, each (M B, h, T, e)."""
        made = self._short.run(weights, product(x, weights["qkv"]))
        parts = made.view(-1, x.shape[2], 3, self.heads, self.size // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind()
        return (turned(q), turned(k), v) if self.rotary else (q, k, v)

    def first(self, weights: Weights, batch: int) -> Carried:
        """Keys and values of no step yet, each (M, B, h, 0, e), and what the convolution carries."""
        matrix = weights["out"]
        empty = matrix.new_zeros(len(matrix), batch, self.heads, 0, self.size // self.heads)
        return empty, empty, *self._short.first(weights, batch)

    def step(self, weights: Weights, x: Tensor, carried: Carried) -> tuple[Tensor, Carried]:
        """Keys are kept as they are and turned when they are used: scores depend on distances alone."""
        made, past = self._short.step(weights, torch.bmm(x, weights["qkv"]), carried[2:])
        q, k, v = made.unflatten(-1, (3, self.heads, 1, -1)).unbind(2)  # (M, B, h, 1, e)
        keys, values = (torch.cat([old, new], dim=3) for old, new in zip(carried[:2], (k, v), strict=True))
        if self.window is not None:
            keys, values = keys[..., -self.window :, :], values[..., -self.window :, :]
        used = turned(keys) if self.rotary else keys
        asked = turned(q.expand_as(keys))[..., -1:, :] if self.rotary else q
        shares = (asked @ used.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1)
        return torch.bmm((shares @ values).flatten(2), weights["out"]), (keys, values, *past)

    @property
    def _short(self) -> ShortConvolution:
        return ShortConvolution(3 * self.size, self.convolution)

    def state_sizes(self, length: int) -> dict[str, int]:
        """Keys and values of the steps that are seen: 2 d min(T, w)."""
        cached = self.size * min(length, self.window or length)
        return {"keys": cached, "values": cached, **self._short.state_sizes()}

    def reach(self) -> int | None:
        return None if self.window is None else self.window - 1 + self._short.reach

    def kept(self, length: int) -> int:
        """q, k, v, what they were turned from, and what is mixed of them, twice."""
        return length * (7 if self.rotary else 5) * self.size + self._short.kept(length)

    def multiplications(self, length: int) -> int:
        """Four products with matrices; each step with each in two more, whatever the window."""
        matrices = 4 * length * self.size**2
        return matrices + 2 * length**2 * self.size + self._short.multiplications(length)

    def operations(self, length: int) -> int:
        return (24 if self.rotary else 12) + self._short.operations()
