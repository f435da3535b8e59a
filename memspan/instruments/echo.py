"""Echo: answers what it was shown k steps before the end."""

from __future__ import annotations

from memspan.interfaces.predictor import Predictor


def echo(lag: int) -> Predictor:
    """y = x[T-1-lag]. (B, T, C) -> (1, B, C)."""
    return Predictor(members=1, answer=lambda inputs: inputs[:, -1 - lag].unsqueeze(0))
