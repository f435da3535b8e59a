"""Recurrent networks whose weights are set by hand: what is true of them is true of trained models' very code."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from memspan.interfaces.cell import Cell
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.signature import Problem, Signature
from memspan.layers import initializers
from memspan.layers.recurrent import Start, recurrent

NUMBER = Signature(length=1, channels=1, outputs=1, problem=Problem.REGRESSION)
"""One number in at each step, one out at the last."""
NOTHING = Start(initializers.zeros, initializers.zeros, initializers.zeros)


def hand_set(cell: Cell, units: int, weights: Mapping[str, Tensor], signature: Signature = NUMBER) -> Predictor:
    """One layer ``layer0`` of a cell and a dense ``readout``; weights that are not given are 0.

    Shapes:
        each weight as its network names it, without a member axis.
    """
    network = recurrent(cell, (units,), signature, NOTHING)
    start = network.initialize(torch.Generator())
    if unknown := weights.keys() - start.keys():
        raise ValueError(f"the network has no weights {', '.join(sorted(unknown))}, but {', '.join(start)}")
    chosen = {name: weights.get(name, value).reshape(value.shape).to(value) for name, value in start.items()}
    return trained(network, {name: value.unsqueeze(0) for name, value in chosen.items()}, signature)
