"""Which of several models to look at where one is looked at."""

from __future__ import annotations

import torch

from memspan.dynamics.double_precision import double_precision
from memspan.dynamics.sequence_losses import sequence_losses
from memspan.dynamics.tiles import tiles
from memspan.interfaces.batch import Batch
from memspan.interfaces.predictor import Internals


class NoSuchRepeat(LookupError):
    """A probe names a repeat that there is none of."""

    def __init__(self, repeat: int, members: int) -> None:
        super().__init__(f"There are {members} trained models here: repeat must be below that, given {repeat}.")


def chosen_repeat(internals: Internals, batch: Batch, repeat: int | None) -> int:
    """The place of the model that is asked for, or of the best one."""
    members = len(next(iter(internals.weights.values())))
    if repeat is None:
        return best_repeat(internals, batch)
    if repeat >= members:
        raise NoSuchRepeat(repeat, members)
    return repeat


@torch.no_grad()
def best_repeat(internals: Internals, batch: Batch) -> int:
    """The member of least loss on some sequences; one whose loss is not a number comes last."""
    network, signature = internals.network, internals.signature
    members = len(next(iter(internals.weights.values())))
    each = signature.length * max(network.state_size, signature.channels) + network.kept
    found = []
    for some, _ in tiles(members, 1, each * len(batch)):
        weights = double_precision(internals, some)
        kernel = next(iter(weights.values()))
        inputs = batch.inputs.to(kernel).expand(len(kernel), *batch.inputs.shape)
        found.append(sequence_losses(signature.problem, network.forward(weights, inputs), batch.targets).mean(1).cpu())
    return int(torch.cat(found).nan_to_num(nan=torch.inf).argmin())
