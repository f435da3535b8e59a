"""One member's layer through time and back: matrix products by torch, the cell's loops between them.

The state starts at 0, so the first step needs no product with it, and neither does its gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.engine.woven.loops import Loops
from memspan.engine.woven.room import Room
from memspan.engine.woven.sheet import Sheet, Tape
from memspan.interfaces.cell import Cell


@dataclass(frozen=True)
class Weights:
    """One member's weights of a layer, or their gradients.

    Attributes:
        kernel: W (I, G H).
        bias: (1, G H).
        matrix: U (H, G H); None for a cell that has none.
        second: b' (1, G H) of a cell whose two products stay apart.
        parameters: of the pointwise part, each (1, H).
    """

    kernel: Tensor
    bias: Tensor
    matrix: Tensor | None
    second: Tensor | None
    parameters: tuple[Tensor, ...]


def ahead(cell: Cell, loops: Loops, weights: Weights, x: Tensor, room: Room) -> Tape:
    """Run a sequence (T, B, I) through a layer."""
    tape = _begun(cell, weights, x, room)
    own, sheet = tape.products[-1], Sheet(tape, weights.parameters)
    torch.addmm(weights.bias, tape.inputs, weights.kernel, out=tape.products[0].flatten(0, 1))
    if weights.second is not None:
        own[0] = weights.second
    loops.ahead(sheet.at(0))
    for now, (z, h) in enumerate(zip(own.unbind(), tape.states[0].unbind(), strict=False)):
        if now:
            _add_product(weights, h, z)
            loops.ahead(sheet.at(now))
    return tape


def _add_product(weights: Weights, h: Tensor, z: Tensor) -> None:
    """z += U h, or z = U h + b' where the two products stay apart."""
    if weights.matrix is None:
        return
    if weights.second is None:
        z.addmm_(h, weights.matrix)
    else:
        torch.addmm(weights.second, h, weights.matrix, out=z)


def _begun(cell: Cell, weights: Weights, x: Tensor, room: Room) -> Tape:
    """Room for a sequence, with the states before its first step."""
    length, batch, inputs = x.shape
    width = weights.kernel.shape[1]
    flat = room.lend(length * batch, inputs)
    flat.view(length, batch, inputs).copy_(x)
    products = tuple(room.lend(length, batch, width) for _ in range(1 if weights.second is None else 2))
    states = tuple(room.lend(length + 1, batch, width // len(cell.gates)) for _ in cell.states)
    for name, state in zip(cell.states, states, strict=True):
        state[0].fill_(cell.starts.get(name, 0.0))
    return Tape(flat, products, states)


def back(loops: Loops, weights: Weights, tape: Tape, sent: Tensor, into: Weights, below: Tensor | None) -> None:
    """Gradients of a layer's weights, and of its inputs (T, B, I) where ``below`` asks for them.

    ``sent`` are the gradients of the last output (B, H), or of all outputs (T, B, H).
    """
    _through_time(loops, weights, tape, sent, into)
    first, own = tape.products[0].flatten(0, 1), tape.products[-1]
    torch.mm(tape.inputs.t(), first, out=into.kernel)
    torch.sum(first, 0, keepdim=True, out=into.bias)
    if into.matrix is not None:
        torch.mm(tape.states[0][1:-1].flatten(0, 1).t(), own[1:].flatten(0, 1), out=into.matrix)
    if into.second is not None:
        torch.sum(own.flatten(0, 1), 0, keepdim=True, out=into.second)
    if below is not None:
        torch.mm(first, weights.kernel.t(), out=below.flatten(0, 1))


def _through_time(loops: Loops, weights: Weights, tape: Tape, sent: Tensor, into: Weights) -> None:
    """Turn pre-activations into their gradients, from the last step to the first."""
    everywhere = sent.dim() == 3
    carried = [torch.zeros(tape.batch, tape.size) for _ in tape.states]
    if not everywhere:
        carried[0].copy_(sent)
    for gradient in into.parameters:
        gradient.zero_()
    sheet = Sheet(tape, weights.parameters, carried, into.parameters, [sent] if everywhere else [])
    loop = loops.back_with_outputs if everywhere else loops.back
    matrix = None if weights.matrix is None else weights.matrix.t()
    steps = tape.products[-1].unbind()
    for now in range(tape.length - 1, -1, -1):
        loop(sheet.at(now))
        if matrix is not None and now:
            carried[0].addmm_(steps[now], matrix)
