"""Accuracy by lag: how well the runs of a condition answer what was shown how many steps ago."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from memspan.engine.condition import Condition
from memspan.experiment.run_row import RunRow
from memspan.statistics.summary import Summary, summarize_many


@dataclass(frozen=True)
class AccuracyByLag:
    """One summary over runs for each bin of lags: the answers of one run are no repeats.

    Attributes:
        first, last: lags in steps that a bin begins and ends with.
        asked: answers of a run that were due in each.
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    asked: tuple[int, ...]
    accuracies: tuple[Summary, ...]


def accuracy_by_lag(runs: Sequence[RunRow]) -> AccuracyByLag | None:
    """Of runs that were scored on the same sequences; None where their task tells no lags."""
    counts = [run.by_lag for run in runs if run.by_lag]
    if not counts:
        return None
    told = counts[0]
    correct, asked = (np.array([each[name] for each in counts], dtype=np.float64).T for name in ("correct", "asked"))
    first, last, due = (tuple(told[name]) for name in ("first", "last", "asked"))
    return AccuracyByLag(first, last, due, tuple(summarize_many(correct / asked)))


def by_lag_document(found: AccuracyByLag, condition: Condition) -> dict[str, Any]:
    """As results show it: lists with a number for each bin. One run alone has no interval.

    ``lag`` is the middle of a bin, ``bound`` the best that can be reached by the steps that the model sees, where both
    are known.
    """
    known = all(each.n > 1 for each in found.accuracies)
    return {
        "lag": [(first + last) / 2 for first, last in zip(found.first, found.last, strict=True)],
        "first": list(found.first),
        "last": list(found.last),
        "accuracy": [each.mean for each in found.accuracies],
        "low": [each.low for each in found.accuracies] if known else None,
        "high": [each.high for each in found.accuracies] if known else None,
        "asked": list(found.asked),
        "n": max(each.n for each in found.accuracies),
        "bound": _bound(found.first, condition),
    }


def _bound(lags: Sequence[int], condition: Condition) -> list[float] | None:
    """The best at the shortest lag of each bin, and so at most in all of it."""
    window = condition.network().receptive_field
    if window is None:
        return None
    best = [condition.task.best_by_lag(lag, window) for lag in lags]
    return [each for each in best if each is not None] or None
