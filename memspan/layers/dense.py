"""Dense layers of a population."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from memspan.interfaces.network import Weight, Weights
from memspan.layers import initializers

Framework = Literal["keras", "torch"]
ACTIVATIONS = {
    "linear": lambda x: x,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "softplus": torch.nn.functional.softplus,
    "sigmoid": torch.sigmoid,
}
"""Elementwise activations by name."""


def dense(name: str, inputs: int, outputs: int, framework: Framework = "keras") -> dict[str, Weight]:
    """The kernel (inputs, outputs) and bias (outputs,) of a layer.

    Keras: Glorot uniform kernel, zero bias. torch: both U(±1/sqrt(inputs)).
    """
    bound = initializers.uniform(1 / math.sqrt(inputs))
    kernel, bias = (initializers.glorot_uniform, initializers.zeros) if framework == "keras" else (bound, bound)
    return {f"{name}.kernel": Weight((inputs, outputs), kernel), f"{name}.bias": Weight((outputs,), bias)}


def affine(weights: Weights, name: str, x: Tensor) -> Tensor:
    """x W + b, (M, B, I) -> (M, B, O)."""
    return torch.baddbmm(weights[f"{name}.bias"].unsqueeze(1), x, weights[f"{name}.kernel"])
