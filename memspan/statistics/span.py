"""The memory span: the length at which the fitted success curve crosses one half.

As in psychology, where it is the length of list recalled on half of the trials. The curve is the best falling one
(``falling``), its crossing the middle of its fall (``crossing``). A logistic curve would need less data where it is
true, but it isn't: some repeats fail at whatever length, and how many such lengths were tested then moves the crossing
of a logistic curve by a quarter of itself, while its interval grows narrow around the wrong value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memspan.statistics.bootstrap import RESAMPLES, Floats, ends, redrawn_successes
from memspan.statistics.crossing import LOWER, UPPER, crossing
from memspan.statistics.falling import falling

Censored: TypeAlias = Literal["above", "below"] | None


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
    lengths: Sequence[int], successes: Sequence[int], totals: Sequence[int], resamples: int = RESAMPLES
) -> Span | None:
    """The memory span of one model on one task from its successes in ``totals`` repeats at each length.

    Lengths may come in any order and more than once; those without repeats are left out. None if nothing was
    tested at all.

    Raises:
        ValueError: the three differ in size, a length is below 1, or more repeats succeeded than there were.
    """
    outcomes = outcomes_of(lengths, successes, totals)
    if not len(outcomes.lengths):
        return None
    octaves = np.log2(outcomes.lengths)
    curve = falling((outcomes.successes / outcomes.totals)[None], outcomes.totals)
    crossed = float(crossing(octaves, curve)[0])
    span = np.clip(crossed, octaves[0], octaves[-1])
    low, high = _interval(outcomes, octaves, resamples)
    left, right = unresolved(octaves, curve[0])
    return Span(
        span=_steps(span, outcomes),
        low=_steps(min(low, left, span), outcomes),
        high=_steps(max(high, right, span), outcomes),
        longest_solved=_longest_solved(outcomes),
        censored=_censored(octaves, crossed),
    )


def outcomes_of(lengths: Sequence[int], successes: Sequence[int], totals: Sequence[int]) -> Outcomes:
    """Check, merge equal lengths, sort, and drop lengths without repeats."""
    at, won, of = (np.asarray(values, dtype=np.float64) for values in (lengths, successes, totals))
    if not at.shape == won.shape == of.shape or at.ndim != 1:
        raise ValueError("lengths, successes and totals must be lists of one size")
    if (at < 1).any() or (won < 0).any() or (won > of).any():
        raise ValueError("lengths must be at least 1, and successes between 0 and their total")
    distinct, place = np.unique(at[of > 0], return_inverse=True)
    return Outcomes(distinct, _merged(place, won[of > 0]), _merged(place, of[of > 0]))


def _merged(place: NDArray[np.int64], counts: Floats) -> Floats:
    """The sum of the counts at each place."""
    return np.bincount(place, weights=counts).astype(np.float64)


def _interval(outcomes: Outcomes, octaves: Floats, resamples: int) -> tuple[float, float]:
    """Percentile interval of the crossing over resampled repeats, in octaves and inside the grid."""
    drawn = redrawn_successes(smoothed_rates(outcomes), outcomes.totals, resamples)
    crossings = crossing(octaves, falling(drawn / outcomes.totals, outcomes.totals))
    low, high = ends(np.clip(crossings, octaves[0], octaves[-1]))
    return float(low), float(high)


def smoothed_rates(outcomes: Outcomes) -> Floats:
    """The rate from which repeats are redrawn at each length: Jeffreys' (successes + .5) / (repeats + 1).

    Redrawing from 0 of n or n of n itself would never vary. But half a repeat of doubt at every length would
    scatter failures among lengths that lie far below the span. A curve that falls knows more: n of n at one length
    also speaks for all shorter ones. So in the unanimous run of successes at the start of the grid each length counts
    all repeats from itself to the end of that run; likewise the failures at the end of the grid, mirrored.

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


def unresolved(octaves: Floats, rates: Floats) -> tuple[float, float]:
    """The two lengths between which the curve loses a half or more, else (inf, -inf): no bracket.

    The bend then lies between the two, where nothing was tested: the bracket is all that is known.

    Shapes:
        octaves (L,), rates (L,) falling
    """
    right = int((rates >= 0.5).sum())
    if not 0 < right < len(octaves) or rates[right - 1] - rates[right] < UPPER - LOWER:
        return np.inf, -np.inf
    return float(octaves[right - 1]), float(octaves[right])


def _censored(octaves: Floats, crossed: float) -> Censored:
    """On which side of the tested lengths the crossing lies. One length tells only the side: half solved is above."""
    if crossed > octaves[-1] or crossed == octaves[0] == octaves[-1]:
        return "above"
    return "below" if crossed < octaves[0] else None


def _longest_solved(outcomes: Outcomes) -> int | None:
    solved = int(np.cumprod(2 * outcomes.successes >= outcomes.totals).sum())
    return int(outcomes.lengths[solved - 1]) if solved else None


def _steps(octaves: float, outcomes: Outcomes) -> float:
    """Octaves to time steps, without the last digits so that a tested length comes back as itself."""
    return float(np.clip(np.round(2.0**octaves, 9), outcomes.lengths[0], outcomes.lengths[-1]))
