"""A search for one memory span: which lengths to ask for next, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memspan.experiment.lengths import FEWEST, SearchRange
from memspan.statistics.belief import whereabouts
from memspan.statistics.span import Span, memory_span

FIRST_SHARE = 0.1
"""of the repeats, that each length of the first round is given"""
WIDTH = 3
"""lengths of a round"""


@dataclass(frozen=True)
class Tally:
    """What became of the repeats of one length.

    Attributes:
        asked: repeats that there are, whatever became of them.
        measured: those that ended well, diverged ones too.
        solved: those that met the criterion.
    """

    asked: int
    measured: int
    solved: int

    @property
    def hopeless(self) -> bool:
        """Whether a length can't be measured, it seems: more of its runs have failed than ended well."""
        return self.asked - self.measured > self.measured


Round = Mapping[int, int]
"""repeats to add, by length"""


def next_round(search: SearchRange, repeats: int, tallies: Mapping[int, Tally]) -> Round:
    """The repeats to add after those of ``tallies`` have ended; none when the search is over.

    Three lengths: the one at which the span is as likely to lie below as above, and one on each side, where half of
    what is known puts it, or where the success curve bends if that is further. While little is known that divides the
    range in four and so on, like a bisection; later it adds repeats where they tell most. Every round doubles the runs,
    until the span's interval is as narrow as asked for or as candidates can make it, or the budget is used up. Runs
    that failed count as asked, and say nothing about the span.

    The answer follows from the arguments alone: whoever asks, in whatever order runs ended, gets the same.

    Args:
        repeats: most repeats of one length.
        tallies: by length; empty before the first round.
    """
    asked = sum(tally.asked for tally in tallies.values())
    left = search.most_lengths(repeats) * repeats - asked
    if not asked:
        octaves = np.log2([search.low, search.high])
        quarters = [float(place) for place in np.quantile(octaves, [0.5, 0.25, 0.75])]
        return _placed(search, repeats, tallies, quarters, _size(repeats, asked, left), left)
    if left <= 0 or not any(tally.measured for tally in tallies.values()) or _known(search, tallies):
        return {}
    lengths, solved, measured = _columns(tallies)
    where = whereabouts(search.low, search.high, search.tolerance, lengths, solved, measured)
    around = (where.middle, where.left, where.right)
    size = _size(repeats, asked, left)
    return _placed(search, repeats, tallies, around, size, left, (where.lowest, where.highest))


def longest(search: SearchRange, repeats: int) -> tuple[int, ...]:
    """How many repeats a length is given each time that one is asked for, in a search that uses its whole budget."""
    left, parts = search.most_lengths(repeats) * repeats, list[int]()
    while left > 0:
        size = _size(repeats, sum(parts), left)
        for _ in range(min(WIDTH * size, left), 0, -min(size, repeats)):
            parts.append(min(size, repeats, left))
            left -= parts[-1]
    return tuple(parts)


def _size(repeats: int, asked: int, left: int) -> int:
    """How many repeats each length of a round is given: at first a few, then so many that the runs double."""
    return min(max(1, round(FIRST_SHARE * repeats), -(-asked // WIDTH)), -(-left // WIDTH))


def _columns(tallies: Mapping[int, Tally]) -> tuple[list[int], list[int], list[int]]:
    """Lengths with what was solved and measured at each."""
    lengths = sorted(tallies)
    return lengths, [tallies[at].solved for at in lengths], [tallies[at].measured for at in lengths]


def _known(search: SearchRange, tallies: Mapping[int, Tally]) -> bool:
    """Whether the span is known as exactly as was asked for, or as the candidates allow."""
    lengths, solved, measured = _columns(tallies)
    span = memory_span(lengths, solved, measured)
    if sum(measured) < FEWEST or span is None or _may_lie_beyond(search, tallies, span):
        return False
    near = 1 + search.tolerance
    between = any(span.low < length < span.high for length in search.candidates())
    return not between or (span.low * near >= span.span and span.high <= span.span * near)


def _may_lie_beyond(search: SearchRange, tallies: Mapping[int, Tally], span: Span) -> bool:
    """Whether a span outside the lengths measured so far may lie at candidates that were not asked for yet."""
    asked_for = [at for at, tally in tallies.items() if tally.measured]
    others = [
        at for at in search.candidates() if at not in tallies or not (tallies[at].measured or tallies[at].hopeless)
    ]
    if span.censored == "above":
        return max(others, default=0) > max(asked_for)
    return span.censored == "below" and min(others, default=search.high) < min(asked_for)


def _placed(
    search: SearchRange,
    repeats: int,
    tallies: Mapping[int, Tally],
    around: Sequence[float],
    size: int,
    left: int,
    within: tuple[float, float] = (-np.inf, np.inf),
) -> Round:
    """``size`` repeats near each of some places, ``left`` at most in all, where lengths have room for them.

    Args:
        around: in octaves, the most important first.
        within: octaves from the last candidate before which to the first behind which lengths are of use.
    """
    free = {length: _room(repeats, tallies.get(length)) for length in _useful(search.candidates(), within)}
    added: dict[int, int] = {}
    for place in around:
        wanted = min(size, left - sum(added.values()))
        for length, room in _nearest(free, place):
            taken = min(wanted, room - added.get(length, 0))
            if taken > 0:
                added[length] = added.get(length, 0) + taken
                wanted -= taken
    return added


def _room(repeats: int, tally: Tally | None) -> int:
    """How many repeats of a length may still be asked for."""
    if tally is None:
        return repeats
    return 0 if tally.hopeless else repeats - tally.asked


def _useful(candidates: Sequence[int], within: tuple[float, float]) -> Sequence[int]:
    """The candidates inside a range of octaves, and the next one on either side."""
    octaves = np.log2(candidates)
    first = max(int(np.searchsorted(octaves, within[0], side="right")) - 1, 0)
    last = int(np.searchsorted(octaves, within[1], side="left"))
    return candidates[first : last + 1]


def _nearest(free: Mapping[int, int], place: float) -> Iterator[tuple[int, int]]:
    """Lengths with their room, those nearest to a place in octaves first; of two equally near the shorter."""
    return iter(sorted(free.items(), key=lambda item: (abs(float(np.log2(item[0])) - place), item[0])))
