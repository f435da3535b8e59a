"""The one-unit map whose loss has a wall: the network of the figure that explains exploding gradients."""

from __future__ import annotations

import math

import torch

from memspan.instruments.hand_set import NUMBER, hand_set
from memspan.interfaces.cell import Cell, Parameters, Preactivations, State
from memspan.interfaces.predictor import Predictor

START = 0.5
"""the unit before its first step"""


def step(z: Preactivations, state: State, _: Parameters) -> State:
    """h = σ(x) of x = w h + b."""
    return (torch.sigmoid(z[0]),)


CELL = Cell(("x",), ("h",), step, starts={"h": 1 / (1 + math.exp(-START))})


def one_unit_map(weight: float = 5.5, bias: float = -2.4) -> Predictor:
    """x <- w σ(x) + b from x = 0.5, whatever is shown; σ(x) answers.

    w is ``layer0.recurrent[0]``, b is ``layer0.bias[0]``. After 50 steps (σ(x) - 0.7)² has walls between the regions
    that fall to the one or the other attractor.

    Source:
        Pascanu, Mikolov & Bengio (2013), arXiv 1211.5063, figure 6.
    """
    weights = {
        "layer0.recurrent": torch.tensor(weight),
        "layer0.bias": torch.tensor(bias),
        "readout.kernel": torch.tensor(1.0),
    }
    return hand_set(CELL, 1, weights, NUMBER)
