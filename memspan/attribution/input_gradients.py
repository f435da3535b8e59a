"""Gradients of the selected answer by the inputs, for every member at once."""

from __future__ import annotations

import torch
from torch import Tensor

from memspan.attribution.blocks import blocks, carried
from memspan.attribution.selected_answer import SelectedAnswer
from memspan.interfaces.batch import Batch
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.signature import Problem

TAPED_VALUES = 2**22
"""numbers that a layer may hold while autograd remembers every step; gates and products take up to ten times that,
160 MiB in all; chosen for memory and not for speed"""


def input_gradients(model: Predictor, batch: Batch, selected: SelectedAnswer, budget: int = TAPED_VALUES) -> Tensor:
    """dy/dx of each member for each sequence, (M, B, T, C), with y its number; in blocks within ``budget``."""
    count, steps, channels = batch.inputs.shape
    each = blocks(count, carried(model, steps, channels), budget)
    parts = [_in_one_block(model, batch[part], selected) for part in each]
    return torch.cat(parts, dim=1)


def _in_one_block(model: Predictor, batch: Batch, selected: SelectedAnswer) -> Tensor:
    inputs = batch.inputs.expand(model.members, *batch.inputs.shape).clone().requires_grad_()  # (M, B, T, C)
    with torch.enable_grad():
        total = selected.number(answers(model, inputs), batch.targets).sum()
    if not total.requires_grad:  # the answer is a constant
        return torch.zeros_like(inputs)
    (found,) = torch.autograd.grad(total, inputs, allow_unused=True, materialize_grads=True)
    return found


def answers(model: Predictor, inputs: Tensor) -> Tensor:
    """Each member's answers to inputs of its own: (M, B, T, C) -> (M, B, K) or (M, B, T, K)."""
    internals = model.internals
    if internals is None:
        return torch.stack([model.answer(own)[member] for member, own in enumerate(inputs)])
    outputs = internals.network.forward(internals.weights, inputs)
    return outputs.softmax(-1) if internals.signature.problem is Problem.CLASSIFICATION else outputs
