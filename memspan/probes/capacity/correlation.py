"""Squared correlations of past inputs with what is read of them from states, corrected for chance."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from memspan.dynamics.readout import fit_readout
from memspan.probes.capacity.input_signal import InputSignal
from memspan.statistics.bootstrap import Floats

SURROGATES = 4
"""how often held-out predictions are held against another sequence's input"""


def moments(states: Tensor, signal: InputSignal, ridge: float) -> tuple[Tensor, Tensor]:
    """What makes up the correlation of held-out pasts y with their read-out p, and with surrogates for these pasts.

    The read-out is fitted to the first half of the sequences. A surrogate is the past of an unrelated sequence.

    Shapes:
        states (B, steps, D) -> (B/2, lags, 5) and (surrogates, lags, 5): means of y, p, y², p², y p.
    """
    middle = len(states) // 2
    train, test = (half.flatten(0, 1).unsqueeze(0) for half in (states[:middle], states[middle:]))
    known, asked = signal.delayed[:middle].flatten(0, 1).unsqueeze(0), signal.delayed[middle:]
    readout = fit_readout(train, known, torch.ones_like(known[..., :1]), ridge)
    read = readout(test).view_as(asked)  # (B/2, steps, lags)
    surrogates = [_moments(asked.roll(turn, 0), read).mean(0) for turn in range(1, SURROGATES + 1)]
    return _moments(asked, read), torch.stack(surrogates)


def _moments(y: Tensor, p: Tensor) -> Tensor:
    """Means over steps: (B, steps, lags) -> (B, lags, 5)."""
    return torch.stack([part.mean(1) for part in (y, p, y * y, p * p, y * p)], dim=-1)


def squared(means: Floats) -> Floats:
    """Squared correlation of y and p from the means of y, p, y², p², y p (..., 5); 0 where one of them stands still."""
    y, p, yy, pp, yp = np.moveaxis(means, -1, 0)
    variances = np.maximum(yy - y * y, 0) * np.maximum(pp - p * p, 0)
    covariance = yp - y * p
    still = variances <= 0
    found: Floats = np.where(still, 0.0, covariance**2 / np.where(still, 1.0, variances))
    return found


def corrected(value: Floats, chance: Floats) -> Floats:
    """Corrected for chance: what surrogates reach is 0, and 1 stays 1."""
    found: Floats = (value - chance) / (1 - chance)
    return found
