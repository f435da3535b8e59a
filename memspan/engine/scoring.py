"""Scoring: the way of a population through a data set, in many short calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from memspan.engine.scored_set import ScoredSet
from memspan.engine.state import Backend


class Scoring:
    """How far a population is in the data set that it is scored on, and what it has scored there.

    Attributes:
        scored: sequences.
    """

    def __init__(self, metrics: Sequence[str], members: int, device: torch.device) -> None:
        self._totals = {name: torch.zeros(members, dtype=torch.float64, device=device) for name in metrics}
        self.scored = 0

    def restore(self, scored: int, totals: Sequence[Mapping[str, float]]) -> None:
        """Go on behind so many sequences, with the totals of each member."""
        self.scored = scored
        for name, total in self._totals.items():
            total.copy_(torch.tensor([each.get(name, 0.0) for each in totals], dtype=torch.float64))

    def totals(self, place: int) -> dict[str, float]:
        """Value x sequences of a member so far, by metric."""
        return {name: float(total[place]) for name, total in self._totals.items()}

    def go_on(self, backend: Backend, rows: Tensor, data: ScoredSet) -> bool:
        """Score some more sequences with weights (M, P); whether any are left."""
        self.scored += backend.score(rows, data, self.scored, self._totals)
        return self.scored < len(data)

    def done(self) -> dict[str, list[float]]:
        """The means by metric, of each member; the next set begins at 0."""
        means = {name: (total / self.scored).tolist() for name, total in self._totals.items()}
        self.scored = 0
        for total in self._totals.values():
            total.zero_()
        return means
