"""Blind: answers 0 whatever it is shown."""

from __future__ import annotations

import torch

from memspan.interfaces.predictor import Predictor


def blind(outputs: int = 1) -> Predictor:
    """y = 0. (B, T, C) -> (1, B, outputs)."""
    return Predictor(members=1, answer=lambda inputs: torch.zeros(1, inputs.shape[0], outputs))
