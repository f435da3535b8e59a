"""The memory span: the length at which the fitted success curve crosses one half.

As in psychology, where it is the length of list recalled on half of the trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from memspan.statistics.interval import Floats
from memspan.statistics.logistic import crossing, fit

Censored: TypeAlias = Literal["above", "below"] | None
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Span:
    """A memory span in time steps with its 95 % bootstrap interval, ``low <= span <= high``, all inside the grid.

    ``longest_solved`` needs no model: the longest length with success >= 50 % there and at all shorter tested
    lengths. ``censored`` says that the crossing lies "above" the longest tested length (``span`` then is that
    length) or "below" the shortest.
    """

    span: float
    low: float
    high: float
    longest_solved: int | None
    censored: Censored


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Successes at each tested length: ``lengths`` (L,) ascending and distinct, ``totals`` (L,) all above zero."""

    lengths: Floats
    successes: Floats
    totals: Floats


def memory_span(
    lengths: Sequence[int], successes: Sequence[int], totals: Sequence[int], seed: int = 0, resamples: int = 1000
) -> Span | None:
    """The memory span of one model on one task from its successes in ``totals`` repeats at each length.

    Lengths may come in any order and more than once; those without repeats are left out. None if nothing was
    tested at all.

    Raises:
        ValueError: the three differ in size, a length is below 1, or more repeats succeeded than there were.
    """
    outcomes = _outcomes(lengths, successes, totals)
    if not len(outcomes.lengths):
        return None
    octaves = np.log2(outcomes.lengths)
    crossed = float(crossing(fit(octaves, outcomes.successes[None], outcomes.totals))[0])
    span = np.clip(crossed, octaves[0], octaves[-1])
    low, high = _interval(outcomes, octaves, seed, resamples)
    left, right = _unresolved(outcomes, octaves, crossed)
    return Span(
        span=_steps(span, outcomes),
        low=_steps(min(low, left, span), outcomes),
        high=_steps(max(high, right, span), outcomes),
        longest_solved=_longest_solved(outcomes),
        censored="above" if crossed > octaves[-1] else "below" if crossed < octaves[0] else None,
    )


def _outcomes(lengths: Sequence[int], successes: Sequence[int], totals: Sequence[int]) -> Outcomes:
    """Check, merge equal lengths, sort, and drop lengths without repeats."""
    at, won, of = (np.asarray(values, dtype=np.float64) for values in (lengths, successes, totals))
    if not at.shape == won.shape == of.shape or at.ndim != 1:
        raise ValueError("lengths, successes and totals must be lists of one size")
    if (at < 1).any() or (won < 0).any() or (won > of).any():
        raise ValueError("lengths must be at least 1, and successes between 0 and their total")
    distinct, place = np.unique(at[of > 0], return_inverse=True)
    belongs = (place[:, None] == np.arange(len(distinct))).astype(np.float64)  # (given, L)
    return Outcomes(distinct, won[of > 0] @ belongs, of[of > 0] @ belongs)


def _interval(outcomes: Outcomes, octaves: Floats, seed: int, resamples: int) -> tuple[float, float]:
    """Percentile interval of the crossing over resampled repeats, in octaves and inside the grid."""
    rng = np.random.default_rng(seed)
    drawn = rng.binomial(outcomes.totals.astype(int), smoothed_rates(outcomes), size=(resamples, len(octaves)))
    crossings = crossing(fit(octaves, drawn.astype(np.float64), outcomes.totals))
    inside = np.clip(crossings, octaves[0], octaves[-1])
    low, high = np.quantile(inside, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def smoothed_rates(outcomes: Outcomes) -> Floats:
    """The rate from which repeats are redrawn at each length: Jeffreys' (successes + .5) / (repeats + 1).

    Redrawing from 0 of n or n of n itself would never vary. But half a repeat of doubt at every length would
    scatter failures among lengths that lie far below the span and so flatten the redrawn curves. A curve that falls
    knows more: n of n at one length also speaks for all shorter ones. So in the unanimous run of successes at the
    start of the grid each length counts all repeats from itself to the end of that run; likewise the failures at
    the end of the grid, mirrored.

    Shapes:
        (L,)
    """
    solved = np.cumprod(outcomes.successes == outcomes.totals).astype(bool)
    failed = np.cumprod(outcomes.successes[::-1] == 0)[::-1].astype(bool)
    totals = outcomes.totals.copy()
    totals[solved] = np.cumsum(totals[solved][::-1])[::-1]
    totals[failed] = np.cumsum(totals[failed])
    successes = np.where(solved, totals, outcomes.successes)
    return np.asarray((successes + 0.5) / (totals + 1))


def _unresolved(outcomes: Outcomes, octaves: Floats, crossed: float) -> tuple[float, float]:
    """The bracket of tested lengths around the crossing where the grid can't resolve it, else (inf, -inf): no bracket.

    A slope needs two lengths with mixed outcomes. With fewer, the curve's steepness, and so the crossing's place
    between its two neighbours on the grid, come from the prior and not from data: the bracket is all that is known.
    """
    mixed = (outcomes.successes > 0) & (outcomes.successes < outcomes.totals)
    right = int(np.searchsorted(octaves, crossed))
    if mixed.sum() >= 2 or not 0 < right < len(octaves):
        return np.inf, -np.inf
    return float(octaves[right - 1]), float(octaves[right])


def _longest_solved(outcomes: Outcomes) -> int | None:
    solved = int(np.cumprod(2 * outcomes.successes >= outcomes.totals).sum())
    return int(outcomes.lengths[solved - 1]) if solved else None


def _steps(octaves: float, outcomes: Outcomes) -> float:
    """Octaves to time steps, without the last digits so that a tested length comes back as itself."""
    return float(np.clip(np.round(2.0**octaves, 9), outcomes.lengths[0], outcomes.lengths[-1]))
