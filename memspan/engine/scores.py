"""Losses and accuracies of a population."""

from __future__ import annotations

import torch
from torch import Tensor

from memspan.parts.signature import Problem


def losses(problem: Problem, outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean loss of each member (M,): mean squared error, or cross-entropy in nats.

    Shapes:
        outputs (M, B, K); targets (M, B, K) or class numbers (M, B).
    """
    if problem is Problem.REGRESSION:
        return (outputs - targets).square().mean((1, 2))
    chosen = outputs.log_softmax(-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)  # (M, B)
    return -chosen.mean(1)


def accuracies(problem: Problem, outputs: Tensor, targets: Tensor) -> Tensor | None:
    """Share of right answers of each member (M,), NaN where an output is; None for a regression."""
    if problem is Problem.REGRESSION:
        return None
    right = (outputs.argmax(-1) == targets).float()
    return torch.where(outputs.isnan().any(-1), torch.nan, right).mean(1)
