"""Optimisers of a population: each member's weights are one row of a matrix (M, P)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from memspan.parts.training import SGD, Adam, RMSprop, Training


class Optimizer(Protocol):
    """Moves weights (M, P) against gradients (M, P), in place."""

    @property
    def slots(self) -> Mapping[str, Tensor]:
        """Its memory by name, each (M, P)."""

    def move(self, weights: Tensor, gradients: Tensor, step: int) -> None:
        """One step; ``step`` counts from 1."""


class AdamOptimizer:
    """w -= a m / (sqrt(v) + e) with a = lr sqrt(1 - b2^t) / (1 - b1^t). Source: Kingma & Ba (2015), section 2."""

    def __init__(self, spec: Adam, weights: Tensor) -> None:
        self._spec = spec
        self.slots = {"mean": torch.zeros_like(weights), "square": torch.zeros_like(weights)}

    def move(self, weights: Tensor, gradients: Tensor, step: int) -> None:
        spec, mean, square = self._spec, self.slots["mean"], self.slots["square"]
        rate = spec.learning_rate * (1 - spec.beta_2**step) ** 0.5 / (1 - spec.beta_1**step)
        mean.mul_(spec.beta_1).add_(gradients, alpha=1 - spec.beta_1)
        square.mul_(spec.beta_2).addcmul_(gradients, gradients, value=1 - spec.beta_2)
        weights.addcdiv_(mean, square.sqrt().add_(spec.epsilon), value=-rate)


class RMSpropOptimizer:
    """w -= lr g / sqrt(v + e) with v the running mean of g². Source: Tieleman & Hinton (2012); Keras' form."""

    def __init__(self, spec: RMSprop, weights: Tensor) -> None:
        self._spec = spec
        self.slots = {"square": torch.zeros_like(weights)}
        if spec.momentum:
            self.slots["velocity"] = torch.zeros_like(weights)

    def move(self, weights: Tensor, gradients: Tensor, step: int) -> None:
        spec, square = self._spec, self.slots["square"]
        square.mul_(spec.rho).addcmul_(gradients, gradients, value=1 - spec.rho)
        change = gradients / square.add(spec.epsilon).sqrt_()
        if spec.momentum:
            change = self.slots["velocity"].mul_(spec.momentum).add_(change)
        weights.add_(change, alpha=-spec.learning_rate)


class SGDOptimizer:
    """w -= lr g, or with momentum m: v = m v - lr g, w += v (Nesterov: w += m v - lr g). Source: Keras' SGD."""

    def __init__(self, spec: SGD, weights: Tensor) -> None:
        self._spec = spec
        self.slots = {"velocity": torch.zeros_like(weights)} if spec.momentum else {}

    def move(self, weights: Tensor, gradients: Tensor, step: int) -> None:
        spec = self._spec
        if not spec.momentum:
            weights.add_(gradients, alpha=-spec.learning_rate)
            return
        velocity = self.slots["velocity"].mul_(spec.momentum).sub_(gradients, alpha=spec.learning_rate)
        if spec.nesterov:
            weights.add_(velocity, alpha=spec.momentum).sub_(gradients, alpha=spec.learning_rate)
        else:
            weights.add_(velocity)


KINDS = {"adam": AdamOptimizer, "rmsprop": RMSpropOptimizer, "sgd": SGDOptimizer}


class Mover:
    """Clipping, decoupled weight decay and the optimiser of a training spec."""

    def __init__(self, training: Training, weights: Tensor) -> None:
        self._training = training
        self._optimizer: Optimizer = KINDS[training.optimizer.kind](training.optimizer, weights)

    @property
    def slots(self) -> Mapping[str, Tensor]:
        return self._optimizer.slots

    def move(self, weights: Tensor, gradients: Tensor, step: int) -> None:
        """One step of all members; each is clipped by the norm of its own whole gradient."""
        training = self._training
        if training.clip_norm is not None:
            norms = torch.linalg.vector_norm(gradients, dim=1, keepdim=True)  # (M, 1)
            gradients = gradients * (training.clip_norm / norms.clamp_min(training.clip_norm))
        if training.weight_decay:
            weights.mul_(1 - training.optimizer.learning_rate * training.weight_decay)
        self._optimizer.move(weights, gradients, step)
