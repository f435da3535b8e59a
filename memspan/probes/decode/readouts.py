"""How well a hidden variable can be read from states: by all units together at each step, and by the best of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.dynamics.readout import Readout, fit_readout
from memspan.probes.decode.hidden_variable import HiddenVariable
from memspan.statistics.bootstrap import Floats

RIDGE = 1e-6


def decoded(states: Tensor, variable: HiddenVariable) -> Tensor:
    """Gains (P, B/2, 2) of a read-out for each step, fitted on the first half of sequences: states (P, B, H)."""
    middle = states.shape[1] // 2
    coded, counted = variable.half(second=False)
    readout = fit_readout(states[:, :middle], coded, counted, RIDGE)
    return variable.gains(readout(states[:, middle:]))


@dataclass(frozen=True)
class BestUnit:
    """The unit that tells the variable best by itself, at all steps alike.

    Attributes:
        unit: its place in the layer.
        score: of its own read-out, held out.
        share: of the squared weights of all units' common read-out, each unit standardised.
    """

    unit: int
    score: float
    share: float


def best_unit(states: Tensor, variable: HiddenVariable) -> BestUnit:
    """Search the units of states (P, B, H)."""
    pooled, units = _pooled(variable), states.shape[-1]
    middle = states.shape[1] // 2
    train, test = (half.flatten(0, 1).unsqueeze(0) for half in (states[:, :middle], states[:, middle:]))
    coded, counted = pooled.half(second=False)
    scores = [
        score(pooled.gains(_alone(train, test, unit, coded, counted)).mean((0, 1)).numpy()) for unit in range(units)
    ]
    weights = fit_readout(train, coded, counted, RIDGE).weights[0].square().sum(-1)  # (H,)
    best = max(range(units), key=lambda unit: scores[unit])
    return BestUnit(best, float(scores[best]), float(weights[best] / weights.sum()))


def score(gains: Floats) -> Floats:
    """Mean gain over mean possible, of means (..., 2)."""
    found: Floats = gains[..., 0] / gains[..., 1]
    return found


def _alone(train: Tensor, test: Tensor, unit: int, coded: Tensor, counted: Tensor) -> Tensor:
    readout: Readout = fit_readout(train[..., unit : unit + 1], coded, counted, RIDGE)
    return readout(test[..., unit : unit + 1])


def _pooled(variable: HiddenVariable) -> HiddenVariable:
    """All steps as one, halves kept apart."""
    halves = [variable.half(second) for second in (False, True)]
    coded, counted = (torch.cat([half[i].flatten(0, 1) for half in halves]).unsqueeze(0) for i in (0, 1))
    return HiddenVariable(variable.steps[:1], coded, counted, variable.classes)
