"""Weights in double precision: products over hundreds of steps would drown in single precision's rounding."""

from __future__ import annotations

import torch

from memspan.parts.network import Weights
from memspan.parts.predictor import Inside


def precise(inside: Inside, members: slice = slice(None)) -> Weights:
    """The weights of some members as float64, each (M, ...)."""
    return {name: weight[members].detach().to(torch.float64) for name, weight in inside.weights.items()}
