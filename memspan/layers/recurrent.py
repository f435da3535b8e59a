"""Stacks of recurrent layers: the torch engine's way to run a cell through time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.layers import initial
from memspan.layers.dense import Framework, affine, dense
from memspan.parts.cell import Cell, State
from memspan.parts.network import Initializer, Network, Weight, Weights
from memspan.parts.signature import Signature


@dataclass(frozen=True)
class Start:
    """How a recurrent layer starts: its kernel (I, G H), recurrent matrix (H, G H) and bias (G H,).

    ``recurrent_bias`` is the second bias vector that torch and Keras' reset-after GRU have; None = there is none.
    """

    kernel: Initializer
    recurrent: Initializer
    bias: Initializer
    recurrent_bias: Initializer | None = None
    readout: Framework = "keras"


def torch_start(gates: int) -> Start:
    """As torch's own recurrent layers start: everything U(±1/sqrt(H)), two biases, and so the read-out."""
    draw = initial.torch_uniform(gates)
    return Start(draw, draw, draw, recurrent_bias=draw, readout="torch")


def recurrent(cell: Cell, sizes: Sequence[int], signature: Signature, start: Start) -> Network:
    """A stack of layers of one cell, read out by a dense layer at the last step."""
    weights: dict[str, Weight] = {}
    below = signature.channels
    for layer, size in enumerate(sizes):
        weights |= _layer(f"layer{layer}", below, size, cell, start)
        below = size
    weights |= dense("readout", below, signature.outputs, start.readout)
    depth = len(sizes)

    def forward(weights: Weights, inputs: Tensor) -> Tensor:
        sequence = inputs.transpose(1, 2)  # (M, T, B, C)
        for layer in range(depth - 1):
            sequence = torch.stack(run(cell, weights, f"layer{layer}", sequence), dim=1)
        last = run(cell, weights, f"layer{depth - 1}", sequence)[-1]
        return affine(weights, "readout", last)

    return Network(weights, forward, len(cell.states) * sum(sizes), receptive_field=None, any_length=True)


def _layer(name: str, inputs: int, size: int, cell: Cell, start: Start) -> dict[str, Weight]:
    """The weights of one layer of ``size`` units."""
    width = len(cell.gates) * size
    weights = {
        f"{name}.kernel": Weight((inputs, width), start.kernel),
        f"{name}.recurrent": Weight((size, width), start.recurrent),
        f"{name}.bias": Weight((width,), start.bias),
    }
    if start.recurrent_bias:
        weights[f"{name}.recurrent_bias"] = Weight((width,), start.recurrent_bias)
    return weights


def run(cell: Cell, weights: Weights, name: str, sequence: Tensor) -> list[Tensor]:
    """Run a layer over a sequence (M, T, B, I) from a zero state; its outputs (M, B, H), one for each step."""
    members, _, batch, _ = sequence.shape
    matrix = weights[f"{name}.recurrent"]  # (M, H, G H)
    size = matrix.shape[1]
    projected = _project(cell, weights, name, sequence)  # (M, T, B, G H)
    second = weights.get(f"{name}.recurrent_bias")
    kept_apart = None if cell.joined else _second_bias(second, matrix)
    state: State = tuple(sequence.new_zeros(members, batch, size) for _ in cell.states)
    outputs = []
    for x in projected.unbind(1):
        state = cell.pointwise(_preactivations(x, state[0], matrix, kept_apart, size), state)
        outputs.append(state[0])
    return outputs


def _project(cell: Cell, weights: Weights, name: str, sequence: Tensor) -> Tensor:
    """W x + b of all steps at once: (M, T, B, I) -> (M, T, B, G H)."""
    members, length, batch, inputs = sequence.shape
    bias = weights[f"{name}.bias"].unsqueeze(1)
    if cell.joined and f"{name}.recurrent_bias" in weights:
        bias = bias + weights[f"{name}.recurrent_bias"].unsqueeze(1)
    flat = sequence.reshape(members, length * batch, inputs)
    return torch.baddbmm(bias, flat, weights[f"{name}.kernel"]).view(members, length, batch, -1)


def _second_bias(bias: Tensor | None, matrix: Tensor) -> Tensor:
    """b' of a cell whose two products stay apart: (M, 1, G H)."""
    return matrix.new_zeros(matrix.shape[0], 1, matrix.shape[2]) if bias is None else bias.unsqueeze(1)


def _preactivations(x: Tensor, h: Tensor, matrix: Tensor, second: Tensor | None, size: int) -> tuple[Tensor, ...]:
    """The blocks of z = x + U h, or those of x followed by those of U h + b'. Each (M, B, H)."""
    if second is None:
        return _blocks(torch.baddbmm(x, h, matrix), size)
    return _blocks(x, size) + _blocks(torch.baddbmm(second, h, matrix), size)


def _blocks(z: Tensor, size: int) -> tuple[Tensor, ...]:
    members, batch, _ = z.shape
    return z.view(members, batch, -1, size).unbind(2)
