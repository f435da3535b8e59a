"""Scoring: the way of a population through a data set, in many short calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from memspan.engine import lag_counts
from memspan.engine.lag_counts import LagCounts
from memspan.engine.scored_set import ScoredSet
from memspan.engine.scores import means, tallied
from memspan.engine.state import Backend
from memspan.interfaces.signature import Signature


class Scoring:
    """How far a population is in the data set that it is scored on, and what it has scored there.

    Attributes:
        scored: sequences.
    """

    def __init__(self, signature: Signature, members: int, device: torch.device, lags: bool = False) -> None:
        self._lags = lag_counts.bins(signature.length) if lags else ()
        names = (*tallied(signature), *lag_counts.names(self._lags))
        self._totals = {name: torch.zeros(members, dtype=torch.float64, device=device) for name in names}
        self.scored = 0

    def restore(self, scored: int, totals: Sequence[Mapping[str, float]]) -> None:
        """Go on behind so many sequences, with the totals of each member."""
        self.scored = scored
        for name, total in self._totals.items():
            total.copy_(torch.tensor([each.get(name, 0.0) for each in totals], dtype=torch.float64))

    def totals(self, place: int) -> dict[str, float]:
        """Value x sequences of a member so far, by metric, and its counts by lag."""
        return {name: float(total[place]) for name, total in self._totals.items()}

    def go_on(self, backend: Backend, rows: Tensor, data: ScoredSet) -> bool:
        """Score some more sequences with weights (M, P); whether any are left."""
        self.scored += backend.score(rows, data, self.scored, self._totals)
        return self.scored < len(data)

    def by_lag(self, place: int) -> LagCounts | None:
        """What a member answered at each lag so far; None where nobody told lags."""
        return lag_counts.gathered(self._lags, self.totals(place)) if self._lags else None

    def done(self) -> dict[str, list[float]]:
        """The means by metric, of each member; the next set begins at 0."""
        by_lag = lag_counts.names(self._lags)
        found = means({name: total for name, total in self._totals.items() if name not in by_lag}, self.scored)
        self.scored = 0
        for total in self._totals.values():
            total.zero_()
        return found
