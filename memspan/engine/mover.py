"""Moving a population's weights in torch: each member's weights are one row of a matrix (M, P).

A gradient comes in stretches of such rows. Weights outside all stretches are used nowhere: their gradient is 0, by
which most optimisers move nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from memspan.engine.weight_rows import Stretch
from memspan.interfaces.optimizer import SHRINKAGE, Numbers, OptimizerSpec, Slots
from memspan.interfaces.tunable import settled
from memspan.optimizers import move
from memspan.training import Training


def slots(training: Training, weights: Tensor) -> dict[str, Tensor]:
    """The empty memory of a training spec's optimiser for weights (M, P)."""
    return {name: torch.zeros_like(weights) for name in training.optimizer.slots()}


class Mover:
    """Clipping, decoupled weight decay, the schedule and the optimiser of a training spec.

    Args:
        spared: which numbers of a row (P,) no decay shrinks; None = there are none.
    """

    def __init__(self, training: Training, slots: Slots, spared: Tensor | None = None) -> None:
        self._training, self._slots, self._spared = training, slots, spared
        self._constants, self._rests = training.optimizer.constants(), rests(training.optimizer)

    def move(self, weights: Tensor, stretches: Sequence[Stretch], step: int) -> None:
        """One step of all members, from 1; each is clipped by the norm of its own whole gradient.

        The memory of the stretches is overwritten.
        """
        training = self._training
        if training.clip_norm is not None:
            stretches = clipped(stretches, settled(training.clip_norm))
        if training.decays:
            weights.mul_(self._left(training.shrinkage(step)))
        numbers = self._constants | training.optimizer.of_step(step, training.rate(step))
        for stretch in stretches if self._rests else completed(stretches, weights):
            remembered = {name: stretch.of(slot) for name, slot in self._slots.items()}
            own = numbers if self._spared is None else numbers | self._shrinkage(numbers, stretch)
            move(training.optimizer, stretch.of(weights), stretch.values, remembered, own)

    def _left(self, share: float) -> float | Tensor:
        """What a decay leaves of each weight: a share, or of those that are spared all, (P,)."""
        return share if self._spared is None else torch.where(self._spared, 1.0, share)

    def _shrinkage(self, numbers: Numbers, stretch: Stretch) -> dict[str, Any]:
        """What an optimiser's own decay leaves of the weights of a stretch, by the name that it has; empty without."""
        if SHRINKAGE not in numbers:
            return {}
        left = torch.as_tensor(self._left(numbers[SHRINKAGE]))
        return {SHRINKAGE: left[stretch.first : stretch.first + stretch.values.shape[1]]}


def rests(optimizer: OptimizerSpec) -> bool:
    """Whether a weight whose gradient is 0 stays where it is."""
    weight, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    remembered = {name: zero.clone() for name in optimizer.slots()}
    move(optimizer, weight, zero, remembered, optimizer.numbers(1, optimizer.step_size))
    return float(weight) == 1


def completed(stretches: Sequence[Stretch], weights: Tensor) -> list[Stretch]:
    """Stretches, and gradients of 0 for all weights (M, P) between them."""
    found, place = [], 0
    for stretch in (*stretches, Stretch(weights.shape[1], weights[:, :0])):
        if stretch.first > place:
            found.append(Stretch(place, torch.zeros_like(weights[:, place : stretch.first])))
        found.append(stretch)
        place = stretch.first + stretch.values.shape[1]
    return found[:-1]


def clipped(stretches: Sequence[Stretch], limit: float) -> list[Stretch]:
    """The same gradients, no longer than a limit."""
    each = [torch.linalg.vector_norm(stretch.values, dim=1, keepdim=True) for stretch in stretches]
    norms = each[0] if len(each) == 1 else torch.linalg.vector_norm(torch.cat(each, 1), dim=1, keepdim=True)  # (M, 1)
    share = limit / norms.clamp_min(limit)
    return [Stretch(stretch.first, stretch.values * share) for stretch in stretches]
