"""The loss of each sequence, from logits: what was saturated to a probability of 1 still has its gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from memspan.interfaces.batch import IGNORED
from memspan.interfaces.signature import Problem


def sequence_losses(problem: Problem, outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean squared error, or cross-entropy in nats, of each sequence over all its answers that are due, (M, B).

    Shapes:
        outputs (M, B, K) or (M, B, T, K); targets as a Batch has them for it.
    """
    targets = targets.to(outputs.device)
    if problem is Problem.REGRESSION:
        return (outputs - targets).square().flatten(2).mean(-1)
    due = targets != IGNORED
    classes = torch.where(due, targets, 0).expand(outputs.shape[0], *targets.shape).unsqueeze(-1)
    found = -outputs.log_softmax(-1).gather(-1, classes).flatten(2)  # (M, B, A)
    if due.all():
        return found.mean(-1)
    return (found * due).sum(-1) / due.sum(-1)
