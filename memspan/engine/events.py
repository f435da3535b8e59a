"""What training tells whoever listens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from memspan.engine.lag_counts import LagCounts


@dataclass(frozen=True)
class Stepped:
    """One optimiser step of all members is done, or some; a good moment to look at the clock."""


@dataclass(frozen=True)
class Prepared:
    """Some data are drawn, or some sequences of a data set scored, and there are more: a good moment, too."""


@dataclass(frozen=True)
class Evaluated:
    """An epoch is over.

    Attributes:
        epoch: counts from 1.
        metrics: for each repeat that has not diverged before, its values by name, e.g. ``validation_loss``.
    """

    epoch: int
    metrics: Mapping[int, Mapping[str, float]]


@dataclass(frozen=True)
class Outcome:
    """What one run ends with.

    Attributes:
        metrics: the last epoch's values and those of the test.
        last: weights at the end (or when the loss stopped being finite), by name.
        best: weights at the epoch of the lowest validation loss.
        best_epoch: that epoch, from 1.
        last_epoch: the epoch of ``last``.
        ended_at: epoch after which it had converged, where it was trained until then; None if it never did.
        diverged_at: epoch in which a loss stopped being finite; None if it never did.
        processor: the kind that its numbers are of (``processor.py``).
        by_lag: of the test, the answers to what was shown how many steps ago; None where the task tells no lags.
    """

    metrics: Mapping[str, float]
    last: Mapping[str, Tensor]
    best: Mapping[str, Tensor]
    best_epoch: int
    last_epoch: int
    diverged_at: int | None
    processor: str | None = None
    ended_at: int | None = None
    by_lag: LagCounts | None = None


@dataclass(frozen=True)
class Finished:
    """All members are done.

    Attributes:
        outcomes: by repeat.
        seconds: wall time spent training and scoring in this process, shared by all members.
    """

    outcomes: Mapping[int, Outcome]
    seconds: float = field(default=0.0)


Event = Stepped | Prepared | Evaluated | Finished
