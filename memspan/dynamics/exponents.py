"""Lyapunov exponents of a stack of recurrent layers."""

from __future__ import annotations

from itertools import islice

import torch
from torch import Generator, Tensor

from memspan.dynamics.causal import Causal

LEAST = torch.finfo(torch.float64).eps
"""a contraction in one step that can't be told from one to nothing: no exponent lies below log ε = -36"""


def exponents(stack: Causal, inputs: Tensor, transient: int, start: Tensor) -> Tensor:
    """The leading exponents of each member along each sequence, largest first, nats per step (M, B, K).

    The frame goes against time: Z = Jᵀ Q, Z = Q' R at each step, and the mean of log |R_ii|. A product of Jacobians and
    its transpose have the same singular values, so the exponents are those of going with time, and one backward
    pass a step gives all columns. The first ``transient`` steps, until the states have settled, and the last, until
    the frame has, don't count.

    Shapes:
        inputs (B, S, C), start (D, K) with orthonormal columns.

    Source:
        Benettin, Galgani, Giorgilli & Strelcyn (1980), Meccanica 15; for recurrent networks Vogt, Puelma Touzel,
        Shlizerman & Lajoie (2022), arXiv 2006.14123.
    """
    members, (count, steps, _) = stack.layers[0].input_weights.shape[0], inputs.shape
    course = [stack.flat(stack.first(count)), *(stack.flat(states) for states in stack.run(inputs))]
    frame = start.expand(members, count, *start.shape)  # (M, B, D, K)
    total = frame.new_zeros(members, count, start.shape[1])
    for step in islice(reversed(range(steps)), steps - transient):
        frame, triangle = torch.linalg.qr(pulled(stack, inputs[:, step], course[step], frame))
        if step < steps - transient:
            total += triangle.diagonal(dim1=-2, dim2=-1).abs().clamp_min(LEAST).log()
    return (total / (steps - 2 * transient)).sort(-1, descending=True).values


def pulled(stack: Causal, x: Tensor, flat: Tensor, frame: Tensor) -> Tensor:
    """Jᵀ applied to each column of a frame (M, B, D, K), J the Jacobian of a step from states (M, B, D) at x (B, C)."""
    columns = frame.shape[-1]
    before = flat.detach().repeat_interleave(columns, dim=1).requires_grad_()  # (M, B K, D)
    shown = x.repeat_interleave(columns, dim=0).expand(len(flat), -1, -1)
    with torch.enable_grad():
        after = stack.flat(stack.advance(shown, stack.parted(before)))
    sides = frame.transpose(-1, -2).flatten(1, 2)  # (M, B K, D)
    (slopes,) = torch.autograd.grad(after, before, sides, allow_unused=True, materialize_grads=True)
    turned: Tensor = slopes.unflatten(1, (-1, columns)).transpose(-1, -2)
    return turned


def orthonormal(size: int, columns: int, rng: Generator) -> Tensor:
    """Random orthonormal columns (D, K), float64."""
    drawn: Tensor = torch.linalg.qr(torch.randn(size, columns, generator=rng, dtype=torch.float64))[0]
    return drawn
