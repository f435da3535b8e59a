"""Models that solve a task with a known probability at each length, and searches for their spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from memspan.experiment.lengths import SearchRange
from memspan.experiment.search import Tally, next_round
from memspan.statistics.span import Span, memory_span


@dataclass(frozen=True)
class Learner:
    """Success falls through one half at ``truth``, with ``slope`` logits per octave; 1 - ``learns`` never learn.

    Whether a repeat of a length succeeds is drawn once, whoever asks.
    """

    truth: float
    slope: float
    learns: float = 1.0
    seed: int = 0

    def solves(self, length: int, repeats: int) -> NDArray[np.bool_]:
        """Of the first repeats of a length: (repeats,)."""
        content = [self.seed, round(10 * self.truth), round(10 * self.slope), round(100 * self.learns), length]
        return np.asarray(np.random.default_rng(content).random(repeats) < self._rate(length))

    def _rate(self, length: int) -> float:
        middle = np.log2(self.truth) - np.log(2 * self.learns - 1) / self.slope
        return float(self.learns / (1 + np.exp(np.clip(self.slope * (np.log2(length) - middle), -500, 500))))

    def dense(self, lengths: Sequence[int], repeats: int) -> Span:
        """The span that a grid finds."""
        successes = [int(self.solves(length, repeats).sum()) for length in lengths]
        span = memory_span(lengths, successes, [repeats] * len(lengths), resamples=1)
        assert span is not None
        return span


@dataclass(frozen=True)
class Found:
    """What a search has asked for when it was over."""

    tallies: dict[int, Tally]
    rounds: int

    @property
    def runs(self) -> int:
        return sum(tally.asked for tally in self.tallies.values())

    @cached_property
    def span(self) -> Span:
        lengths = sorted(self.tallies)
        solved = [self.tallies[at].solved for at in lengths]
        span = memory_span(lengths, solved, [self.tallies[at].measured for at in lengths])
        assert span is not None
        return span


def searched(search: SearchRange, repeats: int, learner: Learner, fails_from: int = 10**9) -> Found:
    """Search to the end; runs at lengths of ``fails_from`` and above fail."""
    tallies: dict[int, Tally] = {}
    rounds = 0
    while added := next_round(search, repeats, tallies):
        rounds += 1
        for length, count in added.items():
            asked = tallies.get(length, Tally(0, 0, 0)).asked + count
            measured = 0 if length >= fails_from else asked
            tallies[length] = Tally(asked, measured, int(learner.solves(length, asked)[:measured].sum()))
    return Found(tallies, rounds)
