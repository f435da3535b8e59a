"""Causal convolutions of a population, all members in one grouped convolution."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional

from memspan.interfaces.network import Initializer, Weight, Weights

Channels = tuple[int, int]
"""Channels in and out."""


def convolution(
    name: str, channels: Channels, size: int, start: Initializer, bias: Initializer, normed: bool = False
) -> dict[str, Weight]:
    """The kernel (O, C, k) and bias (O,) of a layer; with ``normed`` a gain (O,) too.

    A normed kernel is gain ⊙ kernel / |kernel|, with a norm for each output channel; the gain starts at that norm,
    so that the kernel in use starts as drawn.

    Source:
        Salimans & Kingma (2016), arXiv 1602.07868; the start is that of torch's ``weight_norm``.
    """
    below, above = channels
    shape = (above, below, size)
    gain = {f"{name}.gain": Weight((above,), norm_ahead(shape, start))} if normed else {}
    return {**gain, f"{name}.kernel": Weight(shape, start), f"{name}.bias": Weight((above,), bias)}


def norm_ahead(shape: tuple[int, ...], start: Initializer) -> Initializer:
    """The norm of each output channel of the kernel that the same stream draws next; the stream stays where it is."""

    def draw(_: tuple[int, ...], rng: Generator) -> Tensor:
        ahead = torch.Generator()
        ahead.set_state(rng.get_state())
        norms: Tensor = torch.linalg.vector_norm(start(shape, ahead).flatten(1), dim=1)
        return norms

    return draw


def kernel(weights: Weights, name: str) -> Tensor:
    """The kernel in use, (M, O, C, k)."""
    drawn = weights[f"{name}.kernel"]
    gain = weights.get(f"{name}.gain")
    if gain is None:
        return drawn
    norms: Tensor = torch.linalg.vector_norm(drawn.flatten(2), dim=2)  # (M, O)
    return drawn * (gain / norms)[:, :, None, None]


def convolve(weights: Weights, name: str, x: Tensor, dilation: int = 1, stride: int = 1) -> Tensor:
    """Each output step from its own input step and those 1 to k - 1 times ``dilation`` before it; zeros precede all.

    Only every ``stride``-th output is computed, counted back from the last step. The part of a kernel that would lie
    before the first step whatever the output is left out: a high level's dilation may exceed the sequence by far.

    Shapes:
        (B, M C, T) -> (B, M O, ceil(T / stride)).
    """
    whole, last = kernel(weights, name), x.shape[-1] - 1
    back = min(whole.shape[-1] - 1, last // dilation)
    used = whole[..., whole.shape[-1] - 1 - back :]
    before = back * dilation - last % stride
    return functional.conv1d(
        functional.pad(x, (before, 0)),
        used.flatten(0, 1),
        weights[f"{name}.bias"].flatten(),
        stride=stride,
        dilation=dilation,
        groups=used.shape[0],
    )


def thinned(x: Tensor, stride: int) -> Tensor:
    """Every ``stride``-th step, counted back from the last."""
    return x[..., (x.shape[-1] - 1) % stride :: stride]


def merged(x: Tensor) -> Tensor:
    """Members side by side: (M, B, C, T) -> (B, M C, T)."""
    return x.transpose(0, 1).flatten(1, 2)


def parted(x: Tensor, members: int) -> Tensor:
    """(B, M C, ...) -> (M, B, C, ...)."""
    return x.view(x.shape[0], members, -1, *x.shape[2:]).transpose(0, 1)
