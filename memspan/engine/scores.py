"""Losses and accuracies of a population."""

from __future__ import annotations

import torch
from torch import Tensor

from memspan.interfaces.signature import Problem, Signature


def losses(problem: Problem, outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean loss of each member (M,): mean squared error, or cross-entropy in nats, over all answers that are due.

    Shapes:
        outputs (M, B, K) or (M, B, T, K); targets the same, or class numbers (M, B) or (M, B, T).
    """
    if problem is Problem.REGRESSION:
        return (outputs - targets).square().flatten(1).mean(1)
    chosen = outputs.log_softmax(-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)  # (M, B) or (M, B, T)
    return -chosen.flatten(1).mean(1)


def right(signature: Signature, outputs: Tensor, targets: Tensor) -> Tensor:
    """1 where the likeliest class is the true one, NaN where an output is; the answers that count, (M, B, A)."""
    hits = torch.where(outputs.isnan().any(-1), torch.nan, (outputs.argmax(-1) == targets).float())
    return hits[..., signature.answer_from :] if signature.every_step else hits.unsqueeze(-1)


def scores(signature: Signature, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Each of ``signature.metrics`` of each member (M,); shapes as in ``losses``."""
    found = {"loss": losses(signature.problem, outputs, targets)}
    if signature.problem is Problem.CLASSIFICATION:
        hits = right(signature, outputs, targets)
        found["accuracy"] = hits.flatten(1).mean(1)
        if signature.every_step:
            found["exact"] = hits.amin(-1).mean(1)
    return found
