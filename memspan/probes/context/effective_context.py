"""The effective context: how many inputs have to be kept for the loss to stay as it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from memspan.interfaces.signature import Problem
from memspan.statistics.bootstrap import Floats, weighted_interval
from memspan.statistics.estimate import Estimate, estimate, mean


@dataclass(frozen=True)
class BestConstant:
    """The best constant answer to some sequences: the mean of their targets, or the frequencies of their classes.

    Attributes:
        facts: of each sequence (S, F): its target and the target's square, or which class it is.
    """

    facts: Floats
    problem: Problem

    def losses(self, weights: Floats) -> Floats:
        """Its loss when sequences weigh (R, S), each row adding up to 1: variance, or entropy in nats; (R,)."""
        means = weights @ self.facts  # (R, F)
        if self.problem is Problem.CLASSIFICATION:
            logarithms = np.log(means, out=np.zeros_like(means), where=means > 0)
            return np.asarray(-(means * logarithms).sum(axis=1))
        first, second = np.split(means, 2, axis=1)
        return np.asarray((second - first**2).mean(axis=1))


def best_constant(targets: Tensor, problem: Problem) -> BestConstant:
    """Of class numbers (S,) or values (S, K)."""
    if problem is Problem.CLASSIFICATION:
        facts = torch.nn.functional.one_hot(targets)
    else:
        centred = targets.double() - targets.double().mean(0)  # a variance survives rounding better near 0
        facts = torch.cat([centred, centred.square()], dim=1)
    return BestConstant(facts.double().cpu().numpy(), problem)


@dataclass(frozen=True)
class EffectiveContext:
    """What a context probe comes to.

    Attributes:
        context: in inputs.
        loss: with all inputs shown, mean over members.
        floor: loss of the best constant answer.
        learned: share of members whose loss is below the floor.
        allowed: mean rise of the loss that counts as none.
    """

    context: Estimate
    loss: float
    floor: float
    learned: float
    allowed: float


def effective_context(losses: Floats, best: BestConstant, sizes: tuple[int, ...], epsilon: float) -> EffectiveContext:
    """The effective context with its interval over members, or over sequences where there is one member.

    Shapes:
        losses (M, S, N) with each of N ``sizes`` shown, all inputs with the last; means (M, 1, N) where M > 1.
    """
    means = losses.mean(axis=1)  # (M, N)
    means = means[np.isfinite(means).all(axis=1)]
    floor = float(best.losses(np.full((1, len(best.facts)), 1 / len(best.facts)))[0])
    if not len(means):
        return EffectiveContext(Estimate(np.nan, np.nan, np.nan, 0), np.nan, floor, np.nan, np.nan)
    found = smallest_contexts(means, np.full(len(means), floor), sizes, epsilon)
    context = (
        estimate(found[:, None], mean) if len(losses) > 1 else _resampled(found[0], losses[0], best, sizes, epsilon)
    )
    gained = np.maximum(floor - means[:, -1], 0)
    return EffectiveContext(
        context, float(means[:, -1].mean()), floor, float(np.mean(gained > 0)), float(epsilon * gained.mean())
    )


def smallest_contexts(losses: Floats, floors: Floats, sizes: tuple[int, ...], epsilon: float) -> Floats:
    """The smallest size from which on the loss is less than ``epsilon`` (floor - loss) above that of the last one.

    0 where the last loss is not below the floor: nothing was learned, so nothing can be lost. (R, N), (R,) -> (R,).
    """
    rises, gained = losses - losses[:, -1:], floors - losses[:, -1]
    too_high = rises >= epsilon * gained[:, None]
    first = too_high.shape[1] - np.argmax(too_high[:, ::-1], axis=1)  # behind the last that is too high
    place = np.where(too_high.any(axis=1), first, 0)
    return np.where(gained > 0, np.asarray(sizes, float)[np.minimum(place, len(sizes) - 1)], 0.0)


def _resampled(value: float, losses: Floats, best: BestConstant, sizes: tuple[int, ...], epsilon: float) -> Estimate:
    """The bootstrap over the sequences of one member, losses (S, N)."""

    def drawn(weights: Floats) -> Floats:
        return smallest_contexts(weights @ losses, best.losses(weights), sizes, epsilon)

    low, high = map(float, weighted_interval(drawn, len(losses)))
    return Estimate(float(value), min(low, float(value)), max(high, float(value)), len(losses))
