"""Two memory spans beside each other: each with bounds where it lies beyond the tested lengths."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from memspan.statistics.bootstrap import RESAMPLES, Floats, redealt_successes, redrawn_successes
from memspan.statistics.comparison import Bounded
from memspan.statistics.crossing import crossing
from memspan.statistics.falling import falling
from memspan.statistics.span import Outcomes, outcomes_of, smoothed_rates, unresolved


def bounded_span(lengths: Sequence[int], successes: Sequence[int], totals: Sequence[int], group: int) -> Bounded:
    """A memory span in steps with its resamples, as ``memory_span`` has them.

    Args:
        group: of the draws; those of two groups have nothing to do with each other.
    """
    outcomes = outcomes_of(lengths, successes, totals)
    octaves = np.log2(outcomes.lengths)
    curve = falling((outcomes.successes / outcomes.totals)[None], outcomes.totals)
    drawn = redrawn_successes(smoothed_rates(outcomes), outcomes.totals, RESAMPLES, group)
    least, most = _bounds(outcomes, crossing(octaves, curve))
    drawn_least, drawn_most = _bounds(outcomes, _crossings(outcomes, drawn))
    left, right = unresolved(octaves, curve[0])
    at_least, at_most = float(least[0]), float(most[0])
    return Bounded(
        at_least, at_most, drawn_least, drawn_most, min(2.0**left, at_least), max(2.0**right, at_most)
    )  # fmt: skip


def span_test(
    lengths: Sequence[int], first: tuple[Sequence[int], Sequence[int]], second: tuple[Sequence[int], Sequence[int]]
) -> float:
    """How probable two spans so far apart are where both models are one: successes of each length are dealt anew.

    Args:
        first, second: successes and totals at the lengths that both were tested at.
    """
    (won_a, of_a), (won_b, of_b) = ([np.asarray(each, dtype=np.float64) for each in pair] for pair in (first, second))
    a, b = outcomes_of(lengths, won_a.tolist(), of_a.tolist()), outcomes_of(lengths, won_b.tolist(), of_b.tolist())
    seen = abs(_apart(a, b, won_a[None], won_b[None])[0])
    dealt = redealt_successes(won_a + won_b, of_a, of_b)
    apart = np.abs(_apart(a, b, dealt, won_a + won_b - dealt))
    return float((1 + (apart >= seen - 1e-9).sum()) / (1 + len(apart)))


def _apart(a: Outcomes, b: Outcomes, won_a: Floats, won_b: Floats) -> Floats:
    """By how many octaves the first crossing lies beyond the second, both inside the tested lengths: (R,)."""
    octaves = np.log2(a.lengths)
    one, two = (np.clip(_crossings(of, won), octaves[0], octaves[-1]) for of, won in ((a, won_a), (b, won_b)))
    return np.asarray(one - two)


def _crossings(outcomes: Outcomes, successes: Floats) -> Floats:
    """Where success falls through one half, in octaves, for each row of successes (R, L): (R,)."""
    return crossing(np.log2(outcomes.lengths), falling(successes / outcomes.totals, outcomes.totals))


def _bounds(outcomes: Outcomes, octaves: Floats) -> tuple[Floats, Floats]:
    """Between which steps each crossing lies: 0 and the shortest, the longest and infinity, or at a place twice."""
    shortest, longest = outcomes.lengths[0], outcomes.lengths[-1]
    inside = np.clip(2.0 ** np.clip(octaves, -64, 64), shortest, longest)
    below, above = octaves == -inf, octaves == inf
    if len(outcomes.lengths) == 1:  # one length tells only the side
        above = ~below
    return np.where(below, 0.0, inside), np.where(above, inf, inside)
