"""The rule: the first context that keeps 95 % of the skill, with its interval, once anything is known to help.

needed = the smallest k with L(k) - L_best <= eps (L_ref - L_best), eps = .05, where L_ref is what the reference loses.
The first, and not the one from which on: longer contexts overfit. Equivalently it holds for the running minimum of L.

Its interval comes from resampled blocks of test points, in each of which the whole rule is applied again. Before it
stands a gate: the largest studentised gain of any context over the reference against what chance alone would bring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memspan.statistics.bootstrap import Floats, ends

LOST = 0.05
"""eps: the share of the skill that may be lost; the smallest whose interval can be promised"""
FALSE_ALARMS = 0.05
"""of the gate"""


@dataclass(frozen=True)
class Need:
    """How many steps are needed to be better than a reference.

    Attributes:
        reference: "constant" or "persistence".
        steps: the answer; without any gain 0, or 1 where the last value is the reference.
        low: end of its 95 % interval.
        high: the other end.
        found: whether any context beats the reference.
        p: of the gate: how often chance alone would gain as much.
        resampled: (R,) the answer of each resample, in steps.
    """

    reference: str
    steps: int
    low: int
    high: int
    found: bool
    p: float
    resampled: NDArray[np.int64]


def first_keeping(means: Floats, reference: Floats, lost: float, nothing: int) -> NDArray[np.int64]:
    """The place of the first context that loses at most ``lost`` of what the best gains over the reference.

    Args:
        means: (..., X) losses by context.
        reference: (...) what the reference loses.
        nothing: the place where no context gains anything.
    """
    best = means.min(axis=-1)
    gain = np.maximum(reference - best, 0.0)
    keeps = means - best[..., None] <= lost * gain[..., None]
    return np.where(gain > 0, np.argmax(keeps, axis=-1), nothing)


def gate(gains: Floats, drawn: Floats) -> float:
    """How often chance alone gains as much as the best context, measured in each one's own deviation.

    Args:
        gains: (X,) of each context over the reference.
        drawn: (R, X) the same in each resample.
    """
    deviation = drawn.std(axis=0)
    moves = deviation > 0
    if not moves.any():
        return 1.0
    seen = np.max(gains[moves] / deviation[moves])
    chance = np.max((drawn[:, moves] - gains[moves]) / deviation[moves], axis=1)
    return float((1 + np.sum(chance >= seen)) / (1 + len(chance)))


def needed(
    name: str,
    contexts: NDArray[np.int64],
    means: Floats,
    reference: float,
    drawn: Floats,
    drawn_reference: Floats,
    lost: float = LOST,
) -> Need:
    """The rule against one reference.

    Args:
        contexts: (X,) that were tried, ascending from 0.
        means: (X,) their losses.
        drawn: (R, X) in each resample.
        drawn_reference: (R,) what the reference loses in each.
    """
    nothing = int(np.searchsorted(contexts, 1 if name == "persistence" else 0))
    p = gate(reference - means, drawn_reference[:, None] - drawn)
    resampled = contexts[first_keeping(drawn, drawn_reference, lost, nothing)]
    low, high = (int(end) for end in ends(resampled.astype(float)))
    if p > FALSE_ALARMS:
        steps = int(contexts[nothing])
        return Need(name, steps, steps, max(steps, high), False, p, resampled)
    steps = int(contexts[first_keeping(means, np.asarray(reference), lost, nothing)])
    return Need(name, steps, _after_tried(contexts, min(low, steps)), max(high, steps), True, p, resampled)


def _after_tried(contexts: NDArray[np.int64], low: int) -> int:
    """The first number of steps that the next shorter context does not rule out: coarse contexts round up."""
    shorter = contexts[contexts < low]
    return int(shorter[-1]) + 1 if len(shorter) else low
