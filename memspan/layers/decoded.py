"""Many answers from one state: a decoder behind what a network says at the last step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import gelu

from memspan.interfaces.network import Network, Weights
from memspan.interfaces.noise import Noise
from memspan.interfaces.signature import Signature
from memspan.layers.dense import affine, dense

WIDER = 4
"""times as wide as the state the decoder is inside"""
SLOWEST = 10_000.0
"""steps in which the slowest wave of the places goes round once, over 2 pi"""
Noisy = Callable[[Weights, Tensor, Noise], Tensor]


def decoded(inner: Network, signature: Signature, size: int) -> Network:
    """Answer a is W2 GELU(W1 (z + p_a) + b1) + b2: z the ``size`` numbers that a network ends with, p_a fixed waves.

    Args:
        inner: built for ``size`` outputs at the last step.
    """
    answers, hidden = signature.at_end, WIDER * size
    places = waves(answers, size)

    def spread(weights: Weights, state: Tensor) -> Tensor:
        """(M, B, d) -> (M, B, A, K)."""
        x = (state.unsqueeze(2) + places.to(state)).flatten(1, 2)
        made = affine(weights, "decoder.down", gelu(affine(weights, "decoder.up", x)))
        return made.view(*state.shape[:2], answers, -1)

    def forward(weights: Weights, inputs: Tensor) -> Tensor:
        return spread(weights, inner.forward(weights, inputs))

    up, down = dense("decoder.up", size, hidden, "torch"), dense("decoder.down", hidden, signature.outputs)
    products = answers * hidden * (size + signature.outputs)
    return replace(
        inner,
        weights={**inner.weights, **up, **down},
        forward=forward,
        noisy=_noisy(spread, inner.noisy) if inner.noisy else None,
        recurrence=None,
        spared=inner.spared | {name for name in (*up, *down) if inner.blocks and name.endswith(".bias")},
        blocks=None,
        kept=inner.kept + answers * (size + 2 * hidden),
        multiplications=inner.products(signature.length, every_step=False) + products,
    )


def _noisy(spread: Callable[[Weights, Tensor], Tensor], inner: Noisy) -> Noisy:
    """What training computes with dropout."""
    return lambda weights, inputs, noise: spread(weights, inner(weights, inputs, noise))


def waves(places: int, size: int) -> Tensor:
    """Sines and cosines of each place, (A, d), in wavelengths from 2 pi to 10 000 times that.

    Source:
        Vaswani et al. (2017), arXiv 1706.03762, section 3.5.
    """
    rates = torch.exp(torch.arange(0, size, 2) * (-math.log(SLOWEST) / size))  # (d / 2,)
    angles = torch.arange(places).unsqueeze(1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :size]
