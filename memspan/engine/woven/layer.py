"""A whole layer of a population as one operation of autograd, member after member."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from memspan.engine.woven.loops import Loops
from memspan.engine.woven.passes import Weights, ahead, back
from memspan.engine.woven.room import Room
from memspan.engine.woven.sheet import Tape
from memspan.interfaces.cell import Cell
from memspan.layers.bound import Bound


def outputs(bound: Bound, made: Loops, sequence: Tensor, room: Room, every: bool) -> Tensor:
    """The last output (M, B, H) of a layer, or all of them (M, T, B, H), for a sequence (M, T, B, I)."""
    cell = bound.layer.cell
    weights = (bound.kernel, bound.bias, bound.matrix, bound.second, *bound.parameters)
    answers: Tensor = _Layer.apply(cell, made, room, every, sequence, *weights)  # type: ignore[no-untyped-call]
    return answers


class _Layer(torch.autograd.Function):
    """Members don't share a cache then, and each one's numbers are those that it has alone."""

    @staticmethod
    def forward(ctx: Any, cell: Cell, made: Loops, room: Room, every: bool, x: Tensor, *weights: Any) -> Tensor:
        members, length, batch, _ = x.shape
        size = weights[0].shape[2] // len(cell.gates)
        answers = x.new_empty((members, length, batch, size) if every else (members, batch, size))
        tapes: list[Tape] = []
        for index, own in enumerate(_members(weights)):
            tapes.append(ahead(cell, made, own, x[index], room))
            answers[index] = tapes[-1].states[0][1:] if every else tapes[-1].states[0][-1]
            if not any(ctx.needs_input_grad):
                _give_back(room, tapes)
        ctx.made, ctx.room, ctx.weights, ctx.tapes, ctx.shape = made, room, weights, tapes, x.shape
        return answers

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, sent: Tensor) -> tuple[Tensor | None, ...]:
        if not ctx.tapes:
            raise RuntimeError("The way back through a woven layer can be gone once: it leaves no pre-activations.")
        gradients = [None if weight is None else torch.empty_like(weight) for weight in ctx.weights]
        below = sent.new_empty(ctx.shape) if ctx.needs_input_grad[4] else None
        pairs = zip(_members(ctx.weights), _members(gradients), strict=True)
        for index, (own, into) in enumerate(pairs):
            back(
                ctx.made, own, ctx.tapes[index], sent[index].contiguous(), into, None if below is None else below[index]
            )
        _give_back(ctx.room, ctx.tapes)
        return (None, None, None, None, below, *gradients)


def _members(weights: Sequence[Tensor | None]) -> list[Weights]:
    """The weights of each member: views, whose memory lies in one piece."""
    members = next(weight for weight in weights if weight is not None).shape[0]
    absent: tuple[Tensor | None, ...] = (None,) * members
    each = zip(*(absent if weight is None else weight.unbind() for weight in weights), strict=True)
    return [Weights(kernel, bias, matrix, second, tuple(rest)) for kernel, bias, matrix, second, *rest in each]


def _give_back(room: Room, tapes: list[Tape]) -> None:
    """Room for the next step."""
    for tape in tapes:
        room.back(tape.inputs, *tape.products, *tape.states)
    tapes.clear()
