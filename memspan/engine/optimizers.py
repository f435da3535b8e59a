"""Optimisers of a population: each member's weights are one row of a matrix (M, P).

A gradient comes in pieces of such rows. Weights outside all pieces are used nowhere: no optimiser would move them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from memspan.engine.weight_rows import Piece
from memspan.interfaces.training import SGD, Adam, RMSprop, Training

Slots = Mapping[str, Tensor]
"""An optimiser's memory by name, each (M, P), changed in place."""


def slots(training: Training, weights: Tensor) -> dict[str, Tensor]:
    """The empty memory of a training spec's optimiser for weights (M, P)."""
    return {name: torch.zeros_like(weights) for name in slot_names(training)}


def slot_names(training: Training) -> tuple[str, ...]:
    """What the optimiser of a training spec remembers of each weight."""
    optimizer = training.optimizer
    if isinstance(optimizer, Adam):
        return ("mean", "square")
    velocity = ("velocity",) if optimizer.momentum else ()
    return ("square", *velocity) if isinstance(optimizer, RMSprop) else velocity


class Optimizer(Protocol):
    """Moves weights (M, n) against gradients (M, n), in place; both are a piece of the rows."""

    def move(self, weights: Tensor, piece: Piece, step: int, factor: float) -> None:
        """One step, counted from 1; ``factor`` scales the learning rate."""


class AdamOptimizer:
    """w -= a m / (sqrt(v) + e) with a = lr sqrt(1 - b2^t) / (1 - b1^t). Source: Kingma & Ba (2015), section 2."""

    def __init__(self, spec: Adam, slots: Slots) -> None:
        self._spec, self._slots = spec, slots
        self._root = torch.empty_like(slots["square"])  # kept: fresh pages would cost as much as all other work here

    def move(self, weights: Tensor, piece: Piece, step: int, factor: float) -> None:
        spec, gradients = self._spec, piece.values
        mean, square, kept = (piece.of(rows) for rows in (self._slots["mean"], self._slots["square"], self._root))
        rate = factor * spec.learning_rate * (1 - spec.beta_2**step) ** 0.5 / (1 - spec.beta_1**step)
        mean.mul_(spec.beta_1).add_(gradients, alpha=1 - spec.beta_1)
        square.mul_(spec.beta_2).addcmul_(gradients, gradients, value=1 - spec.beta_2)
        # Not torch.sqrt: MKL's takes 5 to 30 times as long where squares are 0 or tiny.
        root = torch.rsqrt(square, out=kept).reciprocal_()
        weights.addcdiv_(mean, root.add_(spec.epsilon), value=-rate)


class RMSpropOptimizer:
    """w -= lr g / sqrt(v + e) with v the running mean of g². Source: Tieleman & Hinton (2012); Keras' form."""

    def __init__(self, spec: RMSprop, slots: Slots) -> None:
        self._spec, self._slots = spec, slots

    def move(self, weights: Tensor, piece: Piece, step: int, factor: float) -> None:
        spec, square, gradients = self._spec, piece.of(self._slots["square"]), piece.values
        square.mul_(spec.rho).addcmul_(gradients, gradients, value=1 - spec.rho)
        change = gradients / square.add(spec.epsilon).sqrt_()
        if spec.momentum:
            change = piece.of(self._slots["velocity"]).mul_(spec.momentum).add_(change)
        weights.add_(change, alpha=-factor * spec.learning_rate)


class SGDOptimizer:
    """w -= lr g, or with momentum m: v = m v - lr g, w += v (Nesterov: w += m v - lr g). Source: Keras' SGD."""

    def __init__(self, spec: SGD, slots: Slots) -> None:
        self._spec, self._slots = spec, slots

    def move(self, weights: Tensor, piece: Piece, step: int, factor: float) -> None:
        spec, gradients, rate = self._spec, piece.values, factor * self._spec.learning_rate
        if not spec.momentum:
            weights.add_(gradients, alpha=-rate)
            return
        velocity = piece.of(self._slots["velocity"]).mul_(spec.momentum).sub_(gradients, alpha=rate)
        if spec.nesterov:
            weights.add_(velocity, alpha=spec.momentum).sub_(gradients, alpha=rate)
        else:
            weights.add_(velocity)


KINDS = {"adam": AdamOptimizer, "rmsprop": RMSpropOptimizer, "sgd": SGDOptimizer}


class Mover:
    """Clipping, decoupled weight decay, the schedule and the optimiser of a training spec."""

    def __init__(self, training: Training, slots: Slots) -> None:
        self._training = training
        self._optimizer: Optimizer = KINDS[training.optimizer.kind](training.optimizer, slots)

    def move(self, weights: Tensor, pieces: Sequence[Piece], step: int) -> None:
        """One step of all members, from 1; each is clipped by the norm of its own whole gradient."""
        training, factor = self._training, self._training.rate_factor(step)
        if training.clip_norm is not None:
            pieces = clipped(pieces, training.clip_norm)
        if training.weight_decay:
            weights.mul_(1 - factor * training.optimizer.learning_rate * training.weight_decay)
        for piece in pieces:
            self._optimizer.move(piece.of(weights), piece, step, factor)


def clipped(pieces: Sequence[Piece], limit: float) -> list[Piece]:
    """The same gradients, no longer than a limit."""
    each = [torch.linalg.vector_norm(piece.values, dim=1, keepdim=True) for piece in pieces]
    norms = each[0] if len(each) == 1 else torch.linalg.vector_norm(torch.cat(each, 1), dim=1, keepdim=True)  # (M, 1)
    share = limit / norms.clamp_min(limit)
    return [Piece(piece.first, piece.values * share) for piece in pieces]
