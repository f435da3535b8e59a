"""Random weights, tried on the same sequences and given up as soon as they can't solve the task any more."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from memspan.attribution.blocks import HELD_VALUES
from memspan.attribution.sequence_metrics import sequence_metrics
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Network, Weights
from memspan.interfaces.predictor import trained
from memspan.interfaces.signature import Signature

FIRST_ROUND = 32
"""sequences of the first round; every further round doubles what has been seen"""
FOLLOWED = 8
"""guesses of a group that are scored on all sequences though they have failed: the best so far"""


@dataclass(frozen=True)
class Criterion:
    """When a guess has solved the task: its mean error over all sequences is at most ``largest_error``.

    An error is a sequence's loss, or the share of its answers that are wrong.
    """

    metric: str
    largest_error: float

    def errors(self, signature: Signature, answers: Tensor, targets: Tensor) -> Tensor:
        """Of each guess and sequence, (N, B), none negative."""
        found = sequence_metrics(signature, answers, targets)[self.metric]
        return found if self.metric == "loss" else 1 - found


@dataclass(frozen=True)
class Guessed:
    """How guesses did: the number that solved the task, and the lowest mean error of those scored to the end."""

    solved: int
    lowest: float


def guess(
    network: Network,
    signature: Signature,
    batch: Batch,
    criterion: Criterion,
    trials: int,
    scale: float,
    rng: Generator,
) -> Guessed:
    """Try ``trials`` networks with all weights U(-scale, scale), in groups that bound memory."""
    solved, lowest = 0, math.inf
    for weights in random_weights(network, trials, scale, rng, group_size(network, signature)):
        errors = mean_errors(network, signature, weights, batch, criterion)
        solved += int((errors <= criterion.largest_error).sum())
        lowest = min(lowest, float(errors.min()))
    return Guessed(solved, lowest)


def group_size(network: Network, signature: Signature) -> int:
    """Guesses that are held and tried together."""
    step = max(signature.channels, network.state_size, signature.outputs, 1)
    each = max(FIRST_ROUND * max(signature.length * step, network.kept), network.parameters)
    return max(1, HELD_VALUES // each)


def random_weights(
    network: Network, trials: int, scale: float, rng: Generator, size: int
) -> Iterator[dict[str, Tensor]]:
    """Groups of guesses by name, each weight (N, ...); which weights a guess has doesn't depend on its group."""
    shapes = {name: weight.shape for name, weight in network.weights.items()}
    sizes = [math.prod(shape) for shape in shapes.values()]
    for start in range(0, trials, size):
        count = min(size, trials - start)
        flat = scale * (2 * torch.rand(count, sum(sizes), generator=rng) - 1)
        pieces = zip(shapes.items(), flat.split(sizes, dim=1), strict=True)
        yield {name: piece.reshape(count, *shape) for (name, shape), piece in pieces}


def mean_errors(network: Network, signature: Signature, weights: Weights, batch: Batch, criterion: Criterion) -> Tensor:
    """The mean error of each guess of a group over all sequences (N,), infinite for those that were given up.

    Errors only add up, so a guess whose sum has passed what all sequences may have has failed for good. Most do so
    within the first sequences.
    """
    count = next(iter(weights.values())).shape[0]
    sums, alive, seen = torch.zeros(count, dtype=torch.float64), torch.arange(count), 0
    while seen < len(batch):
        part = batch[seen : max(2 * seen, FIRST_ROUND)]
        mine = {name: weight[alive] for name, weight in weights.items()}
        answers = trained(network, mine, signature)(part.inputs)
        sums[alive] += criterion.errors(signature, answers, part.targets).nan_to_num(nan=math.inf).sum(1)
        seen += len(part)
        alive = _hopeful(sums, alive, criterion.largest_error * len(batch)) if seen < len(batch) else alive
    return torch.full_like(sums, math.inf).index_copy_(0, alive, sums[alive] / len(batch))


def _hopeful(sums: Tensor, alive: Tensor, allowed: float) -> Tensor:
    """Those that may still solve the task, and the best of the others."""
    best = sums[alive].argsort(stable=True)[:FOLLOWED]
    going = sums[alive] <= allowed
    going[best] = True
    return alive[going]
