"""Sequences with their targets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

IGNORED = -100
"""target of a step at which no answer is due"""


@dataclass(frozen=True)
class Batch:
    """Sequences and what a model should answer at their last step, or at every step, or at some that differ.

    Shapes:
        inputs (B, T, C) float32; targets (B,) int64 class numbers, or (B, K) float32; with an answer at every step
        (B, T) and (B, T, K). Tokens are whole numbers in one channel. Where answers are due at marked steps only, the
        targets of all others are ``IGNORED``.
    """

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return self.inputs.shape[0]

    def __getitem__(self, index: slice) -> Batch:
        return Batch(self.inputs[index], self.targets[index])

    def to(self, device: torch.device) -> Batch:
        return Batch(self.inputs.to(device), self.targets.to(device))
