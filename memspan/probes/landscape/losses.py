"""Losses and their gradients at many points of the space of a network's weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from memspan.dynamics.sequence_losses import sequence_losses
from memspan.dynamics.tiles import TAPED_TILE_VALUES, tiles
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Network, Weights
from memspan.interfaces.signature import Signature
from memspan.probes.landscape.axes import WeightDirection


def losses_and_gradients(
    network: Network,
    signature: Signature,
    weights: Weights,
    batch: Batch,
    directions: Sequence[WeightDirection],
    offsets: Tensor,
) -> tuple[Tensor, Tensor]:
    """The loss of each sequence (G, B) and the gradient of their mean along the directions (G, D), at G points.

    Each point is a member of one population, whose gradients autograd finds together: its derivatives are exact.

    Shapes:
        weights (1, ...) float64, offsets (G, D) from them.
    """
    each = signature.length * max(network.state_size, signature.channels) + network.kept
    parts = [
        _in_one_block(network, signature, weights, batch, directions, offsets[some])
        for some, _ in tiles(len(offsets), 1, each * len(batch), TAPED_TILE_VALUES)
    ]
    return torch.cat([loss for loss, _ in parts]), torch.cat([gradients for _, gradients in parts])


def _in_one_block(
    network: Network,
    signature: Signature,
    weights: Weights,
    batch: Batch,
    directions: Sequence[WeightDirection],
    offsets: Tensor,
) -> tuple[Tensor, Tensor]:
    kernel = next(iter(weights.values()))
    inputs = batch.inputs.to(kernel).expand(len(offsets), *batch.inputs.shape)
    with torch.enable_grad():
        moving = offsets.to(kernel).requires_grad_()
        there = {name: value + _moved(name, directions, moving) for name, value in weights.items()}
        loss = sequence_losses(signature.problem, network.forward(there, inputs), batch.targets)
    (gradients,) = torch.autograd.grad(loss.mean(1).sum(), moving, allow_unused=True, materialize_grads=True)
    return loss.detach().cpu(), gradients.cpu()


def _moved(name: str, directions: Sequence[WeightDirection], offsets: Tensor) -> Tensor:
    """How far a weight lies from where it stood, (G, ...)."""
    stacked = torch.stack([direction[name] for direction in directions])
    moved: Tensor = torch.tensordot(offsets, stacked, dims=1)
    return moved
