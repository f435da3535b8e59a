"""Where a falling success curve crosses one half."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from memspan.statistics.bootstrap import Floats

UPPER, LOWER = 0.75, 0.25
"""the bend of a success curve: the levels between which its crossing is sought"""
LEVELS = LOWER + (UPPER - LOWER) * (np.arange(16) + 0.5) / 16
FURTHEST = 0.5  # octaves
"""how far from where a curve crosses one half itself any level may draw its crossing"""
ROUNDING = 1e-9  # of a rate that is a mean of counts
FEW = 256
"""lengths up to which all of them are compared with a level; of more the place is found by halving"""


def crossing(octaves: Floats, rates: Floats) -> Floats:
    """The middle of each curve's fall: the mean, over levels from 3/4 to 1/4, of where it falls through the level.

    For a curve whose bend is symmetric that is the crossing of one half and, unlike that single point, rests on all
    lengths of the bend. No level counts as further away than half an octave: what a curve does far from its crossing
    doesn't matter to it, such as a plateau of .7 because three of ten repeats fail at whatever length. A success added
    anywhere moves every level to the right, and so the crossing, too. A curve that crosses one half outside the grid
    does so nowhere: -inf or +inf.

    Shapes:
        octaves (L,) ascending, rates (R, L) falling -> (R,)

    Source:
        Hamilton, Russo & Thurston (1977), Environmental Science & Technology 11(7): the trimmed Spearman-Kärber
        estimate is that mean; the bound of half an octave is ours.
    """
    places, curves = _extended(octaves, rates)
    middle = falls_through(places, curves, 0.5)
    total = sum(np.clip(falls_through(places, curves, level) - middle, -FURTHEST, FURTHEST) for level in LEVELS)
    crossed = np.clip(middle + total / len(LEVELS), octaves[0], octaves[-1])
    outside = np.where(middle < octaves[0], -np.inf, np.inf)
    return np.where((octaves[0] <= middle) & (middle <= octaves[-1]), crossed, outside)


def falls_through(octaves: Floats, curves: Floats, level: float) -> Floats:
    """Where each curve, straight between two lengths, falls through a level; the middle of where it rests on it.

    Shapes:
        octaves (L,) ascending, curves (R, L) falling from above the level to below it -> (R,)
    """
    begins = _between(octaves, curves, _counted(curves, np.greater, level + ROUNDING), level)
    ends = _between(octaves, curves, _counted(curves, np.greater_equal, level - ROUNDING), level)
    return (begins + ends) / 2


def _counted(curves: Floats, beyond: np.ufunc, level: float) -> NDArray[np.int64]:
    """At how many lengths each falling curve is beyond a level: the first so many of them."""
    rows, length = curves.shape
    if length <= FEW:
        return np.asarray(beyond(curves, level).sum(axis=1))
    every, low, high = np.arange(rows), np.zeros(rows, dtype=np.int64), np.full(rows, length)
    for _ in range(length.bit_length()):
        middle = (low + high) // 2
        more = (low < high) & beyond(curves[every, np.minimum(middle, length - 1)], level)
        low, high = np.where(more, middle + 1, low), np.where(more, high, middle)
    return low


def _between(octaves: Floats, curves: Floats, right: NDArray[np.int64], level: float) -> Floats:
    """Where each curve takes a level between the length at position ``right`` (R,) and the one before."""
    rows = np.arange(len(curves))
    above, below = curves[rows, right - 1], curves[rows, right]
    share = np.clip((above - level) / (above - below), 0, 1)
    return np.asarray(octaves[right - 1] + share * (octaves[right] - octaves[right - 1]))


def _extended(octaves: Floats, rates: Floats) -> tuple[Floats, Floats]:
    """The curves led on to 1 a step of the grid before its first length and to 0 a step behind its last."""
    step = (octaves[-1] - octaves[0]) / (len(octaves) - 1) if len(octaves) > 1 else 1.0
    ends = np.ones((len(rates), 1)), np.zeros((len(rates), 1))
    places = np.concatenate([[octaves[0] - step], octaves, [octaves[-1] + step]])
    return places, np.concatenate([ends[0], rates, ends[1]], axis=1)
