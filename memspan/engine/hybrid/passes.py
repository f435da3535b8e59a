"""One member's layer through time and back: matrix products by torch, the cell's loops between them.

The state starts at 0, so the first step needs no product with it, and neither does its gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.engine.hybrid.arguments import StepArguments
from memspan.engine.hybrid.kernels import CellKernels
from memspan.engine.hybrid.pool import BufferPool
from memspan.engine.hybrid.tape import Tape
from memspan.interfaces.cell import Cell


@dataclass(frozen=True)
class LayerWeights:
    """One member's weights of a layer, or their gradients.

    Attributes:
        input_weights: W (I, G H).
        bias: (1, G H).
        recurrent_weights: U (H, G H); None for a cell that has none.
        recurrent_bias: b' (1, G H) of a cell whose two products are kept separate.
        parameters: of the pointwise part, each (1, H).
    """

    input_weights: Tensor
    bias: Tensor
    recurrent_weights: Tensor | None
    recurrent_bias: Tensor | None
    parameters: tuple[Tensor, ...]


def forward(cell: Cell, kernels: CellKernels, weights: LayerWeights, x: Tensor, pool: BufferPool) -> Tape:
    """Run a sequence (T, B, I) through a layer."""
    tape = _begun(cell, weights, x, pool)
    own, arguments = tape.products[-1], StepArguments(tape, weights.parameters)
    torch.addmm(weights.bias, tape.inputs, weights.input_weights, out=tape.products[0].flatten(0, 1))
    if weights.recurrent_bias is not None:
        own[0] = weights.recurrent_bias
    kernels.forward(arguments.at(0))
    for now, (z, h) in enumerate(zip(own.unbind(), tape.states[0].unbind(), strict=False)):
        if now:
            _add_product(weights, h, z)
            kernels.forward(arguments.at(now))
    return tape


def _add_product(weights: LayerWeights, h: Tensor, z: Tensor) -> None:
    """z += U h, or z = U h + b' where the two products are kept separate."""
    if weights.recurrent_weights is None:
        return
    if weights.recurrent_bias is None:
        z.addmm_(h, weights.recurrent_weights)
    else:
        torch.addmm(weights.recurrent_bias, h, weights.recurrent_weights, out=z)


def _begun(cell: Cell, weights: LayerWeights, x: Tensor, pool: BufferPool) -> Tape:
    """A tape for a sequence, with the states before its first step."""
    length, batch, inputs = x.shape
    width = weights.input_weights.shape[1]
    flat = pool.lend(length * batch, inputs)
    flat.view(length, batch, inputs).copy_(x)
    products = tuple(pool.lend(length, batch, width) for _ in range(1 if weights.recurrent_bias is None else 2))
    states = tuple(pool.lend(length + 1, batch, width // len(cell.gates)) for _ in cell.states)
    for name, state in zip(cell.states, states, strict=True):
        state[0].fill_(cell.starts.get(name, 0.0))
    return Tape(flat, products, states)


def backward(
    kernels: CellKernels, weights: LayerWeights, tape: Tape, sent: Tensor, into: LayerWeights, below: Tensor | None
) -> None:
    """Gradients of a layer's weights, and of its inputs (T, B, I) where ``below`` asks for them.

    ``sent`` are the gradients of the last output (B, H), or of all outputs (T, B, H).
    """
    _through_time(kernels, weights, tape, sent, into)
    first, own = tape.products[0].flatten(0, 1), tape.products[-1]
    torch.mm(tape.inputs.t(), first, out=into.input_weights)
    torch.sum(first, 0, keepdim=True, out=into.bias)
    if into.recurrent_weights is not None:
        torch.mm(tape.states[0][1:-1].flatten(0, 1).t(), own[1:].flatten(0, 1), out=into.recurrent_weights)
    if into.recurrent_bias is not None:
        torch.sum(own.flatten(0, 1), 0, keepdim=True, out=into.recurrent_bias)
    if below is not None:
        torch.mm(first, weights.input_weights.t(), out=below.flatten(0, 1))


def _through_time(kernels: CellKernels, weights: LayerWeights, tape: Tape, sent: Tensor, into: LayerWeights) -> None:
    """Turn pre-activations into their gradients, from the last step to the first."""
    everywhere = sent.dim() == 3
    carried = [torch.zeros(tape.batch, tape.size) for _ in tape.states]
    if not everywhere:
        carried[0].copy_(sent)
    for gradient in into.parameters:
        gradient.zero_()
    arguments = StepArguments(tape, weights.parameters, carried, into.parameters, [sent] if everywhere else [])
    loop = kernels.backward_every_step if everywhere else kernels.backward
    matrix = None if weights.recurrent_weights is None else weights.recurrent_weights.t()
    steps = tape.products[-1].unbind()
    for now in range(tape.length - 1, -1, -1):
        loop(arguments.at(now))
        if matrix is not None and now:
            carried[0].addmm_(steps[now], matrix)
