"""Optimisers: each file is one rule. ``move(spec, weight, gradient, slots, numbers)``, one step in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from memspan.interfaces.optimizer import Numbers, OptimizerSpec, Slots
from memspan.registry import Family

optimizer: Family[OptimizerSpec] = Family("optimizer", __name__)
optimizer.discover(__path__)

if TYPE_CHECKING:
    AnyOptimizer = OptimizerSpec
else:
    AnyOptimizer: Any = optimizer.union()


def move(spec: OptimizerSpec, weight: Tensor, gradient: Tensor, slots: Slots, numbers: Numbers) -> None:
    """One step in place; all tensors have one shape, and the gradient's memory is overwritten."""
    optimizer.verb(spec)(spec, weight, gradient, slots, numbers)
