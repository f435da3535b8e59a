"""What some runs let one believe about where a success curve crosses one half, and how steeply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from memspan.statistics.bootstrap import Floats

SLOPES = np.array([0.7, 1, 1.4, 2, 2.8, 4, 5.6, 8, 11, 16, 32, 64])  # logits per octave
PLATEAUS = np.array([1, 0.95, 0.9, 0.8, 0.7, 0.6])  # shares of repeats that learn at all
SHARES = np.array([0.4, 0.15, 0.15, 0.1, 0.1, 0.1])  # how likely each plateau is beforehand
SLIP = 0.01  # the least probability of either outcome: no single run may rule a curve out
OUTSIDE = 1.0  # octaves beyond the range in which a crossing may lie
BEND = np.log(2)  # logits from one half to two thirds or to one third


@dataclass(frozen=True)
class Whereabouts:
    """Where a curve may cross one half, in octaves.

    Attributes:
        middle: as likely below as above.
        left, right: on either side the edge of the bend, or of where one half of the belief lies if that is further.
        lowest, highest: on either side the same, or of where 95 % of the belief lie.
    """

    middle: float
    left: float
    right: float
    lowest: float
    highest: float


def whereabouts(
    low: int, high: int, tolerance: float, lengths: Sequence[int], solved: Sequence[int], measured: Sequence[int]
) -> Whereabouts:
    """Where the crossing may lie after ``solved`` of ``measured`` runs at each of some lengths.

    Bayes' rule over curves of all positions, slopes and plateaus on a grid: the curve that success rates of models
    follow, a plateau because some repeats never learn, and a logistic fall.

    Args:
        low, high: the crossing lies between them, or less than an octave outside.
        tolerance: share of a length; crossings are told apart to a quarter of it.

    Source:
        Kontsevich & Tyler (1999), Vision Research 39(16): a threshold and its slope, sought together.
    """
    curves = _curves(low, high, tolerance)
    belief = curves.belief(np.log2(np.asarray(lengths, dtype=np.float64)), solved, measured)  # (A, S, P)
    cumulative = np.cumsum(belief.sum(axis=(1, 2)))
    lowest, left, middle, right, highest = (
        curves.crossings[min(int(np.searchsorted(cumulative, share)), len(cumulative) - 1)]
        for share in (0.025, 0.25, 0.5, 0.75, 0.975)
    )
    bend = min(0.5, float(belief.sum(axis=(0, 2)) @ (BEND / SLOPES)))
    left, right = min(left, middle - bend), max(right, middle + bend)
    return Whereabouts(float(middle), float(left), float(right), float(min(lowest, left)), float(max(highest, right)))


@dataclass(frozen=True)
class _Curves:
    """Curves p(x) = plateau / (1 + exp(slope (x - fall))), each with p = 1/2 at its crossing; x in octaves.

    Shapes:
        crossings (A,), fall (A, S, P), prior (P,)
    """

    crossings: Floats
    fall: Floats

    def belief(self, octaves: Floats, solved: Sequence[int], measured: Sequence[int]) -> Floats:
        """The probability of each curve: (A, S, P)."""
        evidence = np.zeros_like(self.fall) + np.log(SHARES)
        for at, won, of in zip(octaves, solved, measured, strict=True):
            if of:
                distance = np.clip(SLOPES[:, None] * (at - self.fall), -50, 50)  # logits
                rate = np.clip(PLATEAUS / (1 + np.exp(distance)), SLIP, 1 - SLIP)
                evidence += won * np.log(rate) + (of - won) * np.log1p(-rate)
        likelihood = np.exp(evidence - evidence.max())
        return np.asarray(likelihood / likelihood.sum())


@lru_cache(maxsize=16)
def _curves(low: int, high: int, tolerance: float) -> _Curves:
    step = np.log2(1 + tolerance) / 4
    crossings = np.arange(np.log2(low) - OUTSIDE, np.log2(high) + OUTSIDE + step, step)
    fall = crossings[:, None, None] - np.log(2 * PLATEAUS - 1) / SLOPES[:, None]
    return _Curves(crossings, fall)
