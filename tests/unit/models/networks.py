"""Small networks with weights that no initialisation leaves at zero."""

from __future__ import annotations

import torch
from torch import Tensor

from memspan.engine.seeds import stream
from memspan.interfaces.network import Network, stack
from memspan.interfaces.signature import Problem, Signature


def regression(length: int, channels: int = 1, outputs: int = 1, every_step: bool = False) -> Signature:
    return Signature(length, channels, outputs, Problem.REGRESSION, every_step)


def members(network: Network, count: int = 1, spread: float = 0.3) -> dict[str, Tensor]:
    """Weights (M, ...) in float64, drawn and then moved by N(0, spread^2)."""
    drawn = [network.initialize(stream("weights", member)) for member in range(count)]
    return stack(
        [
            {name: (w + spread * torch.randn(w.shape, generator=stream(name, m))).double() for name, w in one.items()}
            for m, one in enumerate(drawn)
        ]
    )


def sequences(signature: Signature, batch: int = 3, count: int = 1) -> Tensor:
    """Inputs (M, B, T, C), standard normal, float64."""
    shape = (count, batch, signature.length, signature.channels)
    return torch.randn(shape, generator=stream("inputs"), dtype=torch.float64)
