"""Activations of gates: the two shapes of a sigmoid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

GateActivation = Annotated[
    Literal["sigmoid", "hard_sigmoid"],
    Field(description="of the gates; hard_sigmoid = clip(0.2 x + 0.5, 0, 1), the default of Keras until 2.2"),
]


def hard_sigmoid(x: Tensor) -> Tensor:
    """clip(0.2 x + 0.5, 0, 1): straight, and without slope beyond ±2.5.

    Source:
        Courbariaux, Bengio & David (2015), arXiv 1511.00363; Keras 2, ``backend.hard_sigmoid``.
    """
    return torch.clamp(0.2 * x + 0.5, 0.0, 1.0)


GATE_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"sigmoid": torch.sigmoid, "hard_sigmoid": hard_sigmoid}
"""Elementwise, by name."""
