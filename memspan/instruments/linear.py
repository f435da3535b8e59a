"""Linear: a state that is multiplied by a matrix at every step."""

from __future__ import annotations

import torch
from torch import Tensor

from memspan.instruments.hand_set import NUMBER, hand_set
from memspan.interfaces.cell import Cell, Parameters, Preactivations, State
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.signature import Signature


def step(z: Preactivations, state: State, _: Parameters) -> State:
    """h = z: no activation."""
    return (z[0],)


CELL = Cell(("z",), ("h",), step)


def linear(matrix: Tensor, signature: Signature = NUMBER) -> Predictor:
    """h <- A h + x in every unit, and the first unit answers. A is (H, H), or a number for a single unit."""
    square = matrix.reshape(1, 1) if matrix.dim() == 0 else matrix
    units = len(square)
    weights = {
        "layer0.kernel": torch.ones(signature.channels, units),
        "layer0.recurrent": square.T,
        "readout.kernel": torch.eye(units, signature.outputs),
    }
    return hand_set(CELL, units, weights, signature)
