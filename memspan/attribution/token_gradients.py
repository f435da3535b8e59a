"""Gradients of an answer by the vectors that stand for the tokens of a sequence.

Source:
    Li, Chen, Hovy & Jurafsky (2016), Visualizing and Understanding Neural Models in NLP, arXiv 1506.01066: the saliency
    of a word is the derivative by its embedding.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from memspan.attribution.blocks import blocks
from memspan.attribution.input_gradients import TAPED_VALUES
from memspan.attribution.selected_answer import SelectedAnswer
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Weights
from memspan.interfaces.predictor import Internals
from memspan.interfaces.signature import Problem

KERNEL = "embedding.kernel"


def token_gradients(
    internals: Internals, batch: Batch, selected: SelectedAnswer, budget: int = TAPED_VALUES
) -> Iterator[Tensor]:
    """dy/dv of each member for each sequence and step, (M, b, T, d), with v the step's vector; in blocks."""
    for part in blocks(len(batch), taped(internals, batch), budget):
        some = batch[part]
        yield vector_gradients(internals, vectors(internals, some.inputs), some.targets, selected)


def taped(internals: Internals, batch: Batch) -> int:
    """Numbers that the answers to one sequence go through in the widest layer that is known, of all members."""
    kernel, (_, steps, channels) = internals.weights[KERNEL], batch.inputs.shape
    return len(kernel) * max(internals.network.held(steps, channels), steps * kernel.shape[-1])


def vectors(internals: Internals, inputs: Tensor) -> Tensor:
    """What stands for the tokens (B, T, 1), of each member (M, B, T, d)."""
    kernel = internals.weights[KERNEL]
    return kernel[:, inputs[..., 0].long().to(kernel.device)]


def vector_gradients(internals: Internals, shown: Tensor, targets: Tensor, selected: SelectedAnswer) -> Tensor:
    """dy/dv where steps show the vectors v (M, B, T, d)."""
    leaf = shown.detach().clone().requires_grad_()
    with torch.enable_grad():
        total = selected.number(answers_to(internals, leaf), targets).sum()
    (found,) = torch.autograd.grad(total, leaf, allow_unused=True, materialize_grads=True)
    return found


def answers_to(internals: Internals, shown: Tensor) -> Tensor:
    """Answers where steps show vectors (M, B, T, d): (M, B, K) or (M, B, T, K), probabilities of a classification.

    Each step becomes a token of its own, whose vector it is, so that every network looks it up as it looks up others.
    """
    members, count, steps, _ = shown.shape
    weights: Weights = {**internals.weights, KERNEL: shown.flatten(1, 2)}
    own = torch.arange(count * steps, device=shown.device, dtype=torch.float64).view(count, steps, 1)
    outputs = internals.network.forward(weights, own.expand(members, -1, -1, -1))
    return outputs.softmax(-1) if internals.signature.problem is Problem.CLASSIFICATION else outputs
