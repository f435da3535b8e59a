"""Predictors of classes whose chances are known by hand, and populations made of instruments."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from memspan.interfaces.predictor import Predictor


def two_classes(logit: Callable[[Tensor], Tensor]) -> Predictor:
    """Class 1 with the probability s(logit), of inputs (B, T, C) -> (B,) or (B, T)."""

    def answer(inputs: Tensor) -> Tensor:
        z = logit(inputs)
        return torch.stack([torch.sigmoid(-z), torch.sigmoid(z)], dim=-1).unsqueeze(0)

    return Predictor(1, answer)


def together(*models: Predictor) -> Predictor:
    """Instruments side by side, as if they were repeats."""
    return Predictor(len(models), lambda inputs: torch.cat([model.answer(inputs) for model in models]))


def diverged() -> Predictor:
    """Answers with nothing but NaN."""
    return Predictor(1, lambda inputs: inputs[:, 0].unsqueeze(0) * torch.nan)
