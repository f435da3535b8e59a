"""A summary of one quantity over repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memspan.statistics.bootstrap import Floats, bootstrap_mean


@dataclass(frozen=True, slots=True)
class Summary:
    """What repeats of one condition say about one quantity; everything but ``n`` is in the quantity's unit.

    ``n`` counts finite values only. ``std`` has ddof 1 and is 0 for one value. ``low`` and ``high`` are the 95 %
    bootstrap interval of the mean. Without any finite value all of them are NaN.
    """

    n: int
    mean: float
    std: float
    median: float
    low: float
    high: float


NOTHING = Summary(0, float("nan"), float("nan"), float("nan"), float("nan"), float("nan"))


def summarize(values: Sequence[float] | NDArray[np.floating]) -> Summary:
    """Summarize the finite values; NaN and infinities are left out, so show the number diverged beside it."""
    row = np.asarray(values, dtype=np.float64).ravel()
    return _summarize_rows(row[np.isfinite(row)][None])[0]


def summarize_many(matrix: NDArray[np.floating]) -> list[Summary]:
    """Summarize each row. All-finite rows share one pass; rows with gaps are taken one at a time.

    Shapes:
        matrix (K, n) -> K summaries
    """
    rows = np.asarray(matrix, dtype=np.float64)
    whole: NDArray[np.bool_] = np.asarray(np.isfinite(rows).all(axis=1))
    shared = iter(_summarize_rows(rows[whole]))
    return [next(shared) if full else summarize(row) for full, row in zip(whole, rows, strict=True)]


def _summarize_rows(rows: Floats) -> list[Summary]:
    n = rows.shape[1]
    if n == 0:
        return [NOTHING] * len(rows)
    # Averages as offsets from the smallest value: equal values then have exactly their own mean and no deviation.
    least = rows.min(axis=1, initial=np.inf)
    mean = least + (rows - least[:, None]).mean(axis=1)
    std = np.sqrt(((rows - mean[:, None]) ** 2).sum(axis=1) / max(n - 1, 1))
    low, high = bootstrap_mean(rows)
    columns = (mean, std, np.median(rows, axis=1), np.minimum(low, mean), np.maximum(high, mean))
    return [Summary(n, *map(float, row)) for row in zip(*columns, strict=True)]
