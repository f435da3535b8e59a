"""Which share of its memory a gated layer keeps, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.dynamics.double_precision import double_precision
from memspan.dynamics.recorder import recorded
from memspan.dynamics.tiles import tiles
from memspan.interfaces.network import Weights
from memspan.interfaces.predictor import Internals
from memspan.interfaces.recurrence import Layer, Recurrence
from memspan.layers.bound import BoundLayer, bind

NEAREST = 1e-7
"""how near to 0 and 1 a gate's share is believed"""


@dataclass(frozen=True)
class Retention:
    """What gates do to memory.

    Attributes:
        logarithms: log of the share kept at each step, mean over sequences, (M, T, H).
        survival: share of what the first step wrote that is left after 0 .. T - 1 steps, mean over units, (M, B, T).
    """

    logarithms: Tensor
    survival: Tensor


def retention(internals: Internals, recurrence: Recurrence, level: int, inputs: Tensor) -> Retention:
    """Run sequences (B, T, C) through the forward layer of a level and follow its gate."""
    members, (count, steps, channels) = len(next(iter(internals.weights.values()))), inputs.shape
    layer = recurrence.levels[level][0]
    logarithms = torch.zeros(members, steps, layer.size, dtype=torch.float64)
    survival = torch.empty(members, count, steps, dtype=torch.float64)
    for some, sequences in tiles(members, count, steps * max(recurrence.state_size, channels)):
        weights = double_precision(internals, some)
        seen = _layer_inputs(layer, recurrence, weights, inputs[sequences])
        logs, left = _followed(bind(layer, weights), seen)
        logarithms[some] += logs.cpu() / count
        survival[some, sequences] = left.cpu()
    return Retention(logarithms, survival)


@torch.no_grad()
def retention_of_blocks(internals: Internals, block: int, inputs: Tensor) -> Retention:
    """Follow the gates of a block's mixer, which it tells for all steps at once."""
    blocks = internals.network.blocks
    if blocks is None:
        raise ValueError("a network without residual blocks tells no share of its state that it keeps")
    members, count = len(next(iter(internals.weights.values()))), len(inputs)
    logarithms, survival = [], []
    for some, _ in tiles(members, 1, count * (internals.network.kept + inputs.shape[1] * internals.network.state_size)):
        weights = double_precision(internals, some)
        like = next(iter(weights.values()))
        seen = blocks.seen(weights, inputs.to(like).expand(len(like), *inputs.shape))[block]
        own = blocks.own(weights, block % len(blocks.mixers))
        shares = blocks.mixers[block].keep(own, seen).clamp(NEAREST, 1 - NEAREST).log()  # (M, B, T, U)
        left = shares.cumsum(2) - shares[:, :, :1]  # what the first step wrote is kept by the gates after it
        logarithms.append(shares.mean(1).cpu())
        survival.append(left.exp().mean(-1).cpu())
    return Retention(torch.cat(logarithms), torch.cat(survival))


@torch.no_grad()
def _layer_inputs(layer: Layer, recurrence: Recurrence, weights: Weights, inputs: Tensor) -> Tensor:
    """What a layer sees of sequences (B, T, C) through those below it, (M, T, B, I)."""
    kernel = weights[f"{recurrence.readout}.kernel"]
    driving = inputs.to(kernel).expand(len(kernel), *inputs.shape)
    return recorded(recurrence, False, weights, driving)[1].seen[layer.name]


@torch.no_grad()
def _followed(bound: BoundLayer, sequence: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms summed over sequences (M, T, H), and survival (M, B, T)."""
    cell = bound.layer.cell
    if cell.keep is None:
        raise ValueError(f"layer {bound.layer.name} tells no share of its state that it keeps")
    state = bound.first(sequence.shape[2])
    left = torch.zeros_like(state[0])
    logarithms, survival = [], []
    for step, x in enumerate(bound.project(sequence).unbind(1)):
        z = bound.gates(x, state)
        share = cell.keep(z, state, bound.parameters).clamp(NEAREST, 1 - NEAREST).log()  # (M, B, H)
        state = cell.pointwise(z, state, bound.parameters)
        left = left + share * (step > 0)  # what the first step wrote is kept by the gates after it
        logarithms.append(share.sum(1))
        survival.append(left.exp().mean(-1))
    return torch.stack(logarithms, dim=1), torch.stack(survival, dim=-1)
