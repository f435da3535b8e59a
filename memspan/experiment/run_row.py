"""A run as results need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RunRow:
    """What the results need to know of one run.

    Attributes:
        condition: position of its condition in the grid.
        state: queued, running, succeeded, failed or cancelled.
        round: of a search, in which it was asked for, from 1.
        seconds: its share of the time that its stack took.
        processor: the kind that its numbers are of; None where it wasn't noted.
        by_lag: its answers by lag (``LagCounts`` as data); None where its task tells no lags.
    """

    condition: int
    repeat: int
    state: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    diverged_at: int | None = None
    seconds: float | None = None
    engine: str | None = None
    round: int = 1
    processor: str | None = None
    by_lag: Mapping[str, Sequence[int]] | None = None
