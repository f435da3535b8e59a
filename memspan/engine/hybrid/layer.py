"""A whole layer of a population as one operation of autograd, member after member."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from memspan.engine.hybrid import passes
from memspan.engine.hybrid.kernels import CellKernels
from memspan.engine.hybrid.pool import BufferPool
from memspan.engine.hybrid.tape import Tape
from memspan.interfaces.cell import Cell
from memspan.layers.bound import BoundLayer


def outputs(bound: BoundLayer, made: CellKernels, sequence: Tensor, pool: BufferPool, every: bool) -> Tensor:
    """The last output (M, B, H) of a layer, or all of them (M, T, B, H), for a sequence (M, T, B, I)."""
    cell = bound.layer.cell
    weights = (bound.input_weights, bound.bias, bound.recurrent_weights, bound.recurrent_bias, *bound.parameters)
    answers: Tensor = _Layer.apply(cell, made, pool, every, sequence, *weights)  # type: ignore[no-untyped-call]
    return answers


class _Layer(torch.autograd.Function):
    """Members don't share a cache then, and each one's numbers are those that it has alone."""

    @staticmethod
    def forward(
        ctx: Any, cell: Cell, made: CellKernels, pool: BufferPool, every: bool, x: Tensor, *weights: Any
    ) -> Tensor:
        members, length, batch, _ = x.shape
        size = weights[0].shape[2] // len(cell.gates)
        answers = x.new_empty((members, length, batch, size) if every else (members, batch, size))
        tapes: list[Tape] = []
        for index, own in enumerate(_members(weights)):
            tapes.append(passes.forward(cell, made, own, x[index], pool))
            answers[index] = tapes[-1].states[0][1:] if every else tapes[-1].states[0][-1]
            if not any(ctx.needs_input_grad):
                _give_back(pool, tapes)
        ctx.made, ctx.pool, ctx.weights, ctx.tapes, ctx.shape = made, pool, weights, tapes, x.shape
        return answers

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, sent: Tensor) -> tuple[Tensor | None, ...]:
        if not ctx.tapes:
            raise RuntimeError("The backward pass of a hybrid layer can run once: it leaves no pre-activations.")
        gradients = [None if weight is None else torch.empty_like(weight) for weight in ctx.weights]
        below = sent.new_empty(ctx.shape) if ctx.needs_input_grad[4] else None
        pairs = zip(_members(ctx.weights), _members(gradients), strict=True)
        for index, (own, into) in enumerate(pairs):
            passes.backward(
                ctx.made, own, ctx.tapes[index], sent[index].contiguous(), into, None if below is None else below[index]
            )
        _give_back(ctx.pool, ctx.tapes)
        return (None, None, None, None, below, *gradients)


def _members(weights: Sequence[Tensor | None]) -> list[passes.LayerWeights]:
    """The weights of each member: views, whose memory lies in one piece."""
    members = next(weight for weight in weights if weight is not None).shape[0]
    absent: tuple[Tensor | None, ...] = (None,) * members
    each = zip(*(absent if weight is None else weight.unbind() for weight in weights), strict=True)
    return [passes.LayerWeights(w, bias, u, recurrent, tuple(rest)) for w, bias, u, recurrent, *rest in each]


def _give_back(pool: BufferPool, tapes: list[Tape]) -> None:
    """Memory for the next step."""
    for tape in tapes:
        pool.take_back(tape.inputs, *tape.products, *tape.states)
    tapes.clear()
