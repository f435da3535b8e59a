"""Gradients of the last answer's loss by the states of a layer."""

from __future__ import annotations

import torch
from torch import Tensor

from memspan.dynamics.loss import losses
from memspan.dynamics.precise import precise
from memspan.dynamics.recorder import recorded
from memspan.dynamics.tiles import TAPED_VALUES, tiles
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Weights
from memspan.interfaces.predictor import Internals
from memspan.interfaces.recurrence import Recurrence
from memspan.interfaces.signature import Signature

Place = tuple[int, int]
"""Level of the layer, and which of its cell's states."""


def gradient_norms(
    internals: Internals, recurrence: Recurrence, batch: Batch, signature: Signature, place: Place
) -> Tensor:
    """‖dL/dh_t‖ of each member and sequence, (M, B, T) with t = 0 first; L is the loss at the last step alone.

    Source:
        Pascanu, Mikolov & Bengio (2013), arXiv 1211.5063, section 2.
    """
    members = len(next(iter(internals.weights.values())))
    found = torch.empty(members, len(batch), signature.length, dtype=torch.float64)
    each = signature.length * max(recurrence.state_size, signature.channels)
    for some, sequences in tiles(members, len(batch), each, TAPED_VALUES):
        norms = _norms(recurrence, precise(internals, some), batch[sequences], signature, place)
        found[some, sequences] = norms.cpu()
    return found


def _norms(recurrence: Recurrence, weights: Weights, batch: Batch, signature: Signature, place: Place) -> Tensor:
    level, state = place
    kernel = weights[f"{recurrence.readout}.kernel"]
    inputs = batch.inputs.to(kernel).expand(len(kernel), *batch.inputs.shape).clone()
    with torch.enable_grad():
        answer, recorder = recorded(recurrence, signature.every_step, weights, inputs.requires_grad_())
        targets = batch.targets[:, -1] if signature.every_step else batch.targets
        total = losses(signature.problem, answer, targets).sum()
    states = [states[state] for states in recorder.states[recurrence.levels[level][0].name]]
    slopes = torch.autograd.grad(total, states, allow_unused=True, materialize_grads=True)
    return torch.stack([slope.norm(dim=-1) for slope in slopes], dim=-1)
