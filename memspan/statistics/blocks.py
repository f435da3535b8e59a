"""The bootstrap of what follows each other in time: whole blocks are drawn, so that neighbours stay together.

Source:
    Politis & Romano (1992), A circular block-resampling procedure for stationary data: blocks run on from the last
    value to the first, so that every value is as likely as every other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from memspan.statistics.bootstrap import RESAMPLES, VALUES_AT_ONCE, Floats


def block_length(n: int, horizon: int = 1) -> int:
    """Values that are drawn together: 1.5 n^(1/3), and no fewer than the steps that two targets may share."""
    return min(n, max(horizon, int(np.ceil(1.5 * n ** (1 / 3)))))


def redrawn_means(values: Floats, block: int, resamples: int = RESAMPLES) -> Floats:
    """The mean of each column in each resample of blocks; all columns share one draw.

    Shapes:
        values (n, X), in the order of time -> (resamples, X)
    """
    n, columns = values.shape
    centre = values.mean(axis=0)  # what is left is small, and so is its rounding
    blocks = -(-n // block)
    whole, cut = (_sums(values - centre, length) for length in (block, n - block * (blocks - 1)))
    rng = np.random.default_rng((n, block))
    found, most = [], max(1, VALUES_AT_ONCE // (blocks * columns))
    for start in range(0, resamples, most):
        starts = rng.integers(0, n, (min(most, resamples - start), blocks))
        found.append(whole[starts[:, :-1]].sum(axis=1) + cut[starts[:, -1]])
    means: Floats = centre + np.concatenate(found) / n
    return means


def redrawn_places(count: int, resamples: int) -> NDArray[np.int64]:
    """Which of ``count`` repeats stand in each resample: (resamples, count)."""
    return np.random.default_rng(count).integers(0, count, (resamples, count))


def _sums(values: Floats, length: int) -> Floats:
    """Of the ``length`` values from each one on, round the end to the beginning: (n, X) -> (n, X)."""
    round_the_end = np.concatenate([np.zeros((1, values.shape[1])), values, values[: length - 1]])
    running = np.cumsum(round_the_end, axis=0)
    sums: Floats = running[length:] - running[: len(values)]
    return sums
