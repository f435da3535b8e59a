"""Stacks of dilated causal convolutions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.interfaces.network import Initializer, Weight, Weights
from memspan.interfaces.noise import Noise
from memspan.layers import initializers
from memspan.layers.convolution import convolution, convolve, merged, thinned


@dataclass(frozen=True)
class TemporalConvolution:
    """Levels of two convolutions and a shortcut each; level i has dilation 2^i.

    x -> relu(relu(conv(relu(conv(x)))) + shortcut(x)), dropout behind the inner two relu; the shortcut is a 1 x 1
    convolution where the channels differ.

    Attributes:
        inputs, channels: channels of the sequence, and of every level's output.
        size: steps that a kernel covers.
        normed: whether kernels are weight-normalised.

    Source:
        Bai, Kolter & Koltun (2018), arXiv 1803.01271; github.com/locuslab/TCN, TCN/tcn.py.
    """

    inputs: int
    channels: int
    size: int
    levels: int
    normed: bool
    dropout: float

    @property
    def receptive_field(self) -> int:
        """Steps that an answer depends on."""
        return self.reach(self.levels)

    def reach(self, levels: int) -> int:
        """Steps that the uppermost ``levels`` levels see, in steps of the lowest of them."""
        return field(self.size, levels)

    def weights(self, start: Initializer | None) -> dict[str, Weight]:
        """By name, in the order in which they are drawn.

        Kernels start with ``start``; None = torch's U(±1/sqrt(C k)), which biases always have. A shortcut's kernel
        starts N(0, .01²).
        """
        found: dict[str, Weight] = {}
        for level in range(self.levels):
            below = self._below(level)
            for name, inputs in (("first", below), ("second", self.channels)):
                own = torch_start(inputs, self.size)
                channels = (inputs, self.channels)
                found |= convolution(f"level{level}.{name}", channels, self.size, start or own, own, self.normed)
            if below != self.channels:
                narrow = initializers.normal(0.01)
                channels = (below, self.channels)
                found |= convolution(f"level{level}.shortcut", channels, 1, narrow, torch_start(below, 1))
        return found

    def every_step(self, weights: Weights, inputs: Tensor, noise: Noise | None) -> Tensor:
        """(M, B, T, C) -> (B, M C', T)."""
        x = merged(inputs.transpose(2, 3))
        for level in range(self.levels):
            x = self._block(weights, level, x, noise, dilation=2**level)
        return x

    def last_step(self, weights: Weights, inputs: Tensor, noise: Noise | None) -> Tensor:
        """(M, B, T, C) -> (B, M C'): the last step of ``every_step``, from those steps alone that it depends on.

        Level i is asked for every 2^(i + 1)-th step back from the last, so each level works on half as many steps as
        the one below, without dilation: at most 3 T of the 2 T ``levels`` convolved steps, and the same numbers.
        """
        x = merged(inputs.transpose(2, 3))
        for level in range(self.levels):
            seen = x[..., -self.reach(self.levels - level) :]
            x = self._block(weights, level, seen, noise, stride=2)
        return x[..., -1]

    def _block(
        self, weights: Weights, level: int, x: Tensor, noise: Noise | None, dilation: int = 1, stride: int = 1
    ) -> Tensor:
        """One level, (B, M C, T) -> (B, M C', ceil(T / stride))."""
        name, members = f"level{level}", x.shape[1] // self._below(level)
        hidden = torch.relu(convolve(weights, f"{name}.first", x, dilation))
        hidden = self._dropped(hidden, members, noise)
        hidden = torch.relu(convolve(weights, f"{name}.second", hidden, dilation, stride))
        hidden = self._dropped(hidden, members, noise)
        past = thinned(x, stride)
        if f"{name}.shortcut.kernel" in weights:
            past = convolve(weights, f"{name}.shortcut", past)
        return torch.relu(hidden + past)

    def _dropped(self, x: Tensor, members: int, noise: Noise | None) -> Tensor:
        if noise is None or not self.dropout:
            return x
        return x * merged(noise.keep((x.shape[0], self.channels, x.shape[2]), self.dropout))

    def _below(self, level: int) -> int:
        return self.channels if level else self.inputs

    def multiplications(self, length: int, every_step: bool) -> int:
        """Of a weight with a number, in one pass over a sequence."""
        return sum(
            self.channels * (self.size * (below * first + self.channels * second) + below * shortcut)
            for below, first, second, shortcut in self._work(length, every_step)
        )

    def kept(self, length: int, every_step: bool) -> int:
        """Numbers that the backward pass needs: the padded inputs of both convolutions and what three relu gave."""
        return sum(
            (below + 2 * self.channels) * first + 2 * self.channels * second
            for below, first, second, _ in self._work(length, every_step)
        )

    def _work(self, length: int, every_step: bool) -> Iterator[tuple[int, int, int, int]]:
        """Each level's channels below, and steps of its first convolution, its second and its shortcut."""
        steps = length
        for level in range(self.levels):
            first = steps if every_step else min(steps, self.reach(self.levels - level))
            steps = first if every_step else -(-first // 2)
            below = self._below(level)
            yield below, first, steps, steps if below != self.channels else 0


def torch_start(inputs: int, size: int) -> Initializer:
    """U(±1/sqrt(C k)). Source: docs.pytorch.org, Conv1d."""
    return initializers.uniform(1 / math.sqrt(inputs * size))


def levels_for(steps: float, size: int) -> int:
    """The fewest levels, at least one, whose receptive field is no shorter than ``steps``."""
    levels = 1
    while field(size, levels) < steps:
        levels += 1
    return levels


def field(size: int, levels: int) -> int:
    """Steps that a stack sees: 1 + 2 (k - 1) (2^levels - 1)."""
    return 1 + 2 * (size - 1) * ((1 << levels) - 1)
