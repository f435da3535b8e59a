"""Gate: sums of the input that are forgotten through gates of constant bias."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from memspan.instruments.hand_set import NUMBER, hand_set
from memspan.interfaces.cell import Cell, Parameters, Preactivations, State
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.signature import Signature


def step(z: Preactivations, state: State, _: Parameters) -> State:
    """h = σ(f) ⊙ h + g."""
    f, g = z
    return (torch.sigmoid(f) * state[0] + g,)


def keep(z: Preactivations, state: State, _: Parameters) -> Tensor:
    """σ(f)."""
    return torch.sigmoid(z[0])


CELL = Cell(("f", "g"), ("h",), step, recurrent=False, keep=keep)


def gate(biases: Sequence[float], signature: Signature = NUMBER) -> Predictor:
    """h <- σ(b) h + x for each of some biases, and their sum answers: unit j forgets with the time constant
    -1 / log σ(b_j)."""
    units = len(biases)
    kernel = torch.cat([torch.zeros(signature.channels, units), torch.ones(signature.channels, units)], dim=1)
    weights = {
        "layer0.kernel": kernel,
        "layer0.bias": torch.cat([torch.tensor(biases), torch.zeros(units)]),
        "readout.kernel": torch.ones(units, signature.outputs),
    }
    return hand_set(CELL, units, weights, signature)
