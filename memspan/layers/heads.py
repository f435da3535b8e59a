"""Heads: parts of a width that mix steps side by side, each with keys, values and a state of its own."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import silu

from memspan.layers.rms_norm import rms_norm


def parted(x: Tensor, heads: int) -> Tensor:
    """(M, B, T, h e) -> (M B h, T, e)."""
    members, batch, steps, _ = x.shape
    return x.view(members * batch, steps, heads, -1).transpose(1, 2).reshape(members * batch * heads, steps, -1)


def joined(x: Tensor, members: int, batch: int) -> Tensor:
    """(M B h, T, e) -> (M, B, T, h, e)."""
    return x.view(members, batch, -1, *x.shape[1:]).transpose(2, 3)


def normed(x: Tensor, gain: Tensor) -> Tensor:
    """RMS norm of each head's numbers with one gain for all heads: (M, ..., h, e), (M, e) -> (M, ..., h e)."""
    return rms_norm(x, gain).flatten(-2)


def gated(x: Tensor, gain: Tensor, gate: Tensor) -> Tensor:
    """norm(x) ⊙ SiLU(gate): (M, ..., h, e), (M, e), (M, ..., h e) -> (M, ..., h e)."""
    return normed(x, gain) * silu(gate)
