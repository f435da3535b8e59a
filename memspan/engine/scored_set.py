"""Sequences that a population is scored on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from memspan.interfaces.batch import Batch

NOTHING = Batch(torch.empty(0), torch.empty(0))


class ScoredSet:
    """Sequences that a population is scored on, in parts of bounded memory; only one part is there at a time.

    Args:
        ranges: which sequences lie in which part.
        drawn: all parts from the first on.
        lags: how far back each answer to some sequences was shown (B, A); None where nobody asks.
    """

    def __init__(
        self,
        ranges: Sequence[range],
        drawn: Callable[[], Iterator[Batch]],
        lags: Callable[[Batch], Tensor] | None = None,
    ) -> None:
        self._ranges, self._drawn, self.lags = ranges, drawn, lags
        self._number, self._parts, self._part = -1, drawn(), NOTHING

    def __len__(self) -> int:
        return self._ranges[-1].stop

    def part(self, first: int) -> tuple[int, Batch]:
        """Where the part begins in which sequence ``first`` lies, and its sequences."""
        wanted = next(number for number, rows in enumerate(self._ranges) if first in rows)
        if wanted < self._number:
            self._number, self._parts = -1, self._drawn()
        while self._number < wanted:
            self._part = NOTHING  # before the next is drawn: two might not fit
            self._part, self._number = next(self._parts), self._number + 1
        return self._ranges[wanted].start, self._part

    def rows(self, first: int, count: int) -> Batch:
        """Consecutive sequences, or those that are left of them; they may lie in several parts."""
        found: list[Batch] = []
        stop = min(first + count, len(self))
        while first < stop:
            start, part = self.part(first)
            found.append(part[first - start : stop - start])
            first += len(found[-1])
        return found[0] if len(found) == 1 else joined(found)


def joined(batches: Sequence[Batch]) -> Batch:
    """Batches one after the other."""
    return Batch(torch.cat([each.inputs for each in batches]), torch.cat([each.targets for each in batches]))
