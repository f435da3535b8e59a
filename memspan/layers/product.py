"""Matrix products at every step of every sequence of a population."""

from __future__ import annotations

import torch
from torch import Tensor


def product(x: Tensor, matrix: Tensor) -> Tensor:
    """(M, B, T, I) times (M, I, O) -> (M, B, T, O)."""
    made: Tensor = torch.bmm(x.flatten(1, 2), matrix).unflatten(1, x.shape[1:3])
    return made
