"""Weights in double precision: products over hundreds of steps would drown in single precision's rounding."""

from __future__ import annotations

import torch

from memspan.interfaces.network import Weights
from memspan.interfaces.predictor import Internals


def double_precision(internals: Internals, members: slice = slice(None)) -> Weights:
    """The weights of some members as float64, each (M, ...)."""
    return {name: weight[members].detach().to(torch.float64) for name, weight in internals.weights.items()}
