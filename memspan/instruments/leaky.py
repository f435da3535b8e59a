"""Leaky: adds its inputs up and forgets a fixed share of the sum at every step."""

from __future__ import annotations

import torch

from memspan.interfaces.predictor import Predictor


def leaky(keep: float) -> Predictor:
    """y = sum over t of keep^(T-1-t) x[t], the end of h = keep h + x. (B, T, C) -> (1, B, C)."""

    def answer(inputs: torch.Tensor) -> torch.Tensor:
        lags = torch.arange(inputs.shape[1] - 1, -1, -1, device=inputs.device)
        shares = torch.tensor(keep, dtype=torch.float64, device=inputs.device) ** lags
        return torch.einsum("btc,t->bc", inputs, shares.to(inputs)).unsqueeze(0)

    return Predictor(members=1, answer=answer)
