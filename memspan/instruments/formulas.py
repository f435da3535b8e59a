"""Instruments whose answer is a formula of the whole sequence: they have no weights and no states to look at."""

from __future__ import annotations

import torch

from memspan.interfaces.predictor import Predictor


def adder() -> Predictor:
    """The first plus the last step, y = x[0] + x[T-1]. (B, T, C) -> (1, B, C)."""
    return Predictor(members=1, answer=lambda inputs: (inputs[:, 0] + inputs[:, -1]).unsqueeze(0))


def blind(outputs: int = 1) -> Predictor:
    """The same whatever is shown, y = 0. (B, T, C) -> (1, B, outputs)."""
    return Predictor(members=1, answer=lambda inputs: torch.zeros(1, inputs.shape[0], outputs))


def echo(lag: int) -> Predictor:
    """What was shown ``lag`` steps before the end, y = x[T-1-lag]. (B, T, C) -> (1, B, C)."""
    return Predictor(members=1, answer=lambda inputs: inputs[:, -1 - lag].unsqueeze(0))


def leaky(keep: float) -> Predictor:
    """A sum that forgets a fixed share of itself at every step, y = sum over t of keep^(T-1-t) x[t].

    That is the end of h = keep h + x. (B, T, C) -> (1, B, C).
    """

    def answer(inputs: torch.Tensor) -> torch.Tensor:
        lags = torch.arange(inputs.shape[1] - 1, -1, -1, device=inputs.device)
        shares = torch.tensor(keep, dtype=torch.float64, device=inputs.device) ** lags
        return torch.einsum("btc,t->bc", inputs, shares.to(inputs)).unsqueeze(0)

    return Predictor(members=1, answer=answer)
