"""Stacks of recurrent layers: their weights, and the network that runs them through time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from memspan.interfaces.cell import Cell
from memspan.interfaces.network import Initializer, Network, Weight, Weights, chosen_steps
from memspan.interfaces.noise import Noise
from memspan.interfaces.recurrence import Layer, Level, Recurrence
from memspan.interfaces.signature import Signature
from memspan.layers import initializers
from memspan.layers.bound import bind
from memspan.layers.dense import Framework, affine, dense


@dataclass(frozen=True)
class Start:
    """How a recurrent layer starts: its kernel (I, G H), recurrent matrix (H, G H) and bias (G H,).

    ``recurrent_bias`` is the second bias vector that torch and Keras' reset-after GRU have; None = there is none.
    ``parameters`` are the pointwise part's own weights (H,), by name.
    """

    kernel: Initializer
    recurrent: Initializer
    bias: Initializer
    recurrent_bias: Initializer | None = None
    readout: Framework = "keras"
    parameters: Mapping[str, Initializer] = field(default_factory=dict)


Starts = Callable[[Layer], Start]
"""How a layer starts, where it depends on more than the shape of a weight."""


def torch_start(gates: int, parameters: Mapping[str, Initializer] | None = None) -> Start:
    """As torch's own recurrent layers start: everything U(±1/sqrt(H)), two biases, and so the read-out."""
    draw = initializers.torch_uniform(gates)
    return Start(draw, draw, draw, recurrent_bias=draw, readout="torch", parameters=parameters or {})


def linear_start(layer: Layer) -> Start:
    """As torch's Linear starts, for cells whose gates look at the input alone: everything U(±1/sqrt(I))."""
    draw = initializers.uniform(1 / math.sqrt(layer.inputs))
    return Start(draw, initializers.zeros, draw, readout="torch")


def recurrent(
    cell: Cell,
    sizes: Sequence[int],
    signature: Signature,
    start: Start | Starts,
    bidirectional: bool = False,
    dropout: float = 0.0,
) -> Network:
    """A stack of layers of one cell, read out by a dense layer at the last step or at every step.

    With ``bidirectional`` each level runs both ways and lays the outputs end to end; at the end of the sequence the
    backward layer gives what it ends with, at the first step, as Keras' ``Bidirectional`` does.
    """
    levels = _levels(cell, sizes, signature.channels, bidirectional)
    recurrence = Recurrence(levels, dropout=dropout)
    weights: dict[str, Weight] = {}
    for layer in recurrence.layers:
        chosen = start if isinstance(start, Start) else start(layer)
        weights |= layer_weights(layer, chosen)
    top = sum(layer.size for layer in levels[-1])
    weights |= dense("readout", top, signature.outputs, chosen.readout)

    def forward(weights: Weights, inputs: Tensor, noise: Noise | None = None) -> Tensor:
        return answer(recurrence, signature.every_step, weights, inputs, noise)

    def at(weights: Weights, inputs: Tensor, steps: Tensor) -> Tensor:
        return answer(recurrence, signature.every_step, weights, inputs, steps=steps)

    return Network(
        weights,
        forward,
        recurrence.state_size,
        receptive_field=None,
        any_length=True,
        recurrence=recurrence,
        noisy=forward if dropout else None,
        at=at if signature.every_step else None,
    )


def _levels(cell: Cell, sizes: Sequence[int], channels: int, bidirectional: bool) -> tuple[Level, ...]:
    levels: list[Level] = []
    below = channels
    for index, size in enumerate(sizes):
        forward = Layer(f"layer{index}", cell, below, size)
        backward = (Layer(f"layer{index}.backward", cell, below, size, reverse=True),) if bidirectional else ()
        levels.append((forward, *backward))
        below = size * len(levels[-1])
    return tuple(levels)


def layer_weights(layer: Layer, start: Start) -> dict[str, Weight]:
    """The weights of one layer, by name, in the order in which they are drawn."""
    name, cell, width = layer.name, layer.cell, len(layer.cell.gates) * layer.size
    weights = {f"{name}.kernel": Weight((layer.inputs, width), start.kernel)}
    if cell.recurrent:
        weights[f"{name}.recurrent"] = Weight((layer.size, width), start.recurrent)
    weights[f"{name}.bias"] = Weight((width,), start.bias)
    if cell.recurrent and start.recurrent_bias:
        weights[f"{name}.recurrent_bias"] = Weight((width,), start.recurrent_bias)
    for parameter in cell.parameters:
        weights[f"{name}.{parameter}"] = Weight((layer.size,), start.parameters[parameter])
    return weights


class Runner(Protocol):
    """A way to run a layer over a sequence (M, T, B, I), in the order in which the layer goes."""

    def last(self, layer: Layer, weights: Weights, sequence: Tensor) -> Tensor:
        """The output that it ends with, (M, B, H)."""

    def every(self, layer: Layer, weights: Weights, sequence: Tensor) -> Tensor:
        """Its outputs at all steps, (M, T, B, H)."""


class Stepwise:
    """Step by step, by torch's own operations: any cell, any device, any derivative."""

    def last(self, layer: Layer, weights: Weights, sequence: Tensor) -> Tensor:
        return bind(layer, weights).run(sequence)[-1][0]

    def every(self, layer: Layer, weights: Weights, sequence: Tensor) -> Tensor:
        return torch.stack([state[0] for state in bind(layer, weights).run(sequence)], dim=1)


STEPWISE = Stepwise()


def answer(
    recurrence: Recurrence,
    every_step: bool,
    weights: Weights,
    inputs: Tensor,
    noise: Noise | None = None,
    runner: Runner = STEPWISE,
    steps: Tensor | None = None,
) -> Tensor:
    """Inputs (M, B, T, C) -> outputs (M, B, K), or (M, B, T, K) at every step; with dropout where there is noise.

    Args:
        steps: (M, B, Q), of a task with an answer at every step: those at which it is read out, (M, B, Q, K).
    """
    shown = inputs if recurrence.embedding is None else recurrence.embedding(weights, inputs)
    sequence = shown.transpose(1, 2)  # (M, T, B, C)
    for level in recurrence.levels[:-1]:
        sequence = _dropped(_sequence(level, weights, sequence, runner), recurrence.dropout, noise)
    if every_step:
        top = _dropped(_sequence(recurrence.levels[-1], weights, sequence, runner), recurrence.dropout, noise)
        if steps is not None:
            top = chosen_steps(top.transpose(1, 2), steps).transpose(1, 2)
        return _readout_everywhere(weights, recurrence.readout, top)
    ends = [runner.last(layer, weights, sequence) for layer in recurrence.levels[-1]]
    end = ends[0] if len(ends) == 1 else torch.cat(ends, dim=-1)  # (M, B, H)
    return affine(weights, recurrence.readout, _dropped(end, recurrence.dropout, noise))


def _sequence(level: Level, weights: Weights, sequence: Tensor, runner: Runner) -> Tensor:
    """The outputs of a level at every step, directions end to end: (M, T, B, I) -> (M, T, B, H)."""
    sides = [runner.every(layer, weights, sequence) for layer in level]
    turned = [side.flip(1) if layer.reverse else side for layer, side in zip(level, sides, strict=True)]
    return turned[0] if len(turned) == 1 else torch.cat(turned, dim=-1)


def _dropped(x: Tensor, rate: float, noise: Noise | None) -> Tensor:
    return x if noise is None or not rate else x * noise.keep(tuple(x.shape[1:]), rate)


def _readout_everywhere(weights: Weights, name: str, sequence: Tensor) -> Tensor:
    """(M, T, B, H) -> (M, B, T, K)."""
    members, steps, batch, size = sequence.shape
    flat = affine(weights, name, sequence.reshape(members, steps * batch, size))
    return flat.view(members, steps, batch, -1).transpose(1, 2)
