"""What training changes: the numbers of a population, which every backend updates in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from memspan.engine.scored_set import ScoredSet


@dataclass(frozen=True)
class State:
    """A population on its way; its tensors are changed in place.

    Attributes:
        rows: weights (M, P), float32.
        slots: the optimiser's memory by name, each (M, P).
        sums: this epoch's metrics so far, value x sequences, each (M,) in float64.
    """

    rows: Tensor
    slots: Mapping[str, Tensor]
    sums: Mapping[str, Tensor]


class Backend(Protocol):
    """The part of an engine that does the arithmetic."""

    def train(self, epoch: int, step: int) -> int:
        """Do some optimiser steps of an epoch, from ``step`` (both from 0) on, for all members; how many were done.

        Never beyond the epoch, and no more than some tenths of a second's worth: between calls the worker looks at
        the clock and may take a snapshot.
        """

    def score(self, rows: Tensor, data: ScoredSet, first: int, totals: Mapping[str, Tensor]) -> int:
        """Score some sequences of a data set that all members share, from ``first`` on; how many.

        ``rows`` are weights (M, P); ``totals`` grow by value x sequences of each metric, each (M,) in float64. No more
        than some tenths of a second's worth; in how many calls a set is scored changes no bit.
        """
