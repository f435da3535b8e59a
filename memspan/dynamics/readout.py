"""Linear read-outs by least squares with a small ridge, for many models at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

STILL = 1e-12
"""deviation, relative to the mean, below which a unit stands still and says nothing"""


@dataclass(frozen=True)
class Readout:
    """y = c + ((x - mean) / deviation) W, for P problems.

    Attributes:
        mean, deviation: of the units where it was fitted, (P, 1, N); the deviation of a unit that stands still is
            infinite.
        weights: W (P, N, K), of standardised units.
        constant: c (P, 1, K).
    """

    mean: Tensor
    deviation: Tensor
    weights: Tensor
    constant: Tensor

    def __call__(self, states: Tensor) -> Tensor:
        """(P, S, N) -> (P, S, K)."""
        return self.constant + ((states - self.mean) / self.deviation) @ self.weights


def fit_readout(states: Tensor, targets: Tensor, counted: Tensor, ridge: float) -> Readout:
    """Minimise the mean squared error over the samples that count, plus ``ridge`` ‖W‖².

    Shapes:
        states (P, S, N), targets (P, S, K), counted (P, S, 1): 1 or 0. Samples that don't count must be finite.
    """
    share = counted / counted.sum(1, keepdim=True).clamp_min(1)
    mean, constant = ((share * values).sum(1, keepdim=True) for values in (states, targets))
    deviation = (share * (states - mean).square()).sum(1, keepdim=True).sqrt()
    deviation = deviation.masked_fill(deviation <= STILL * (1 + mean.abs()), torch.inf)
    root = share.sqrt()
    units, errors = root * (states - mean) / deviation, root * (targets - constant)
    return Readout(mean, deviation, _ridged(units, errors, ridge), constant)


def _ridged(units: Tensor, targets: Tensor, ridge: float) -> Tensor:
    """(X'X + r)^-1 X' y, or what is the same, X' (XX' + r)^-1 y, whichever is the smaller problem; (P, N, K)."""
    turned = units.transpose(1, 2)  # (P, N, S)
    wide = units.shape[2] > units.shape[1]
    gram = units @ turned if wide else turned @ units
    gram.diagonal(dim1=1, dim2=2).add_(ridge)
    solved = torch.linalg.solve_ex(gram, targets if wide else turned @ targets)[0]
    weights: Tensor = turned @ solved if wide else solved
    return weights
