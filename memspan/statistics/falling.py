"""The best falling curve through success rates, for many data sets at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from memspan.statistics.bootstrap import Floats
from memspan.statistics.compiled_falling import loop


def falling(rates: Floats, totals: Floats) -> Floats:
    """The never rising rates nearest to each row of ``rates`` by least squares weighted with ``totals``.

    It is also the falling curve of maximum likelihood for success counts. Raising a rate lowers none of the answers.

    Shapes:
        rates (R, L), totals (L,) all above zero -> (R, L)

    Source:
        Ayer, Brunk, Ewing, Reid & Silverman (1955), Annals of Mathematical Statistics 26(4): pool adjacent violators.
    """
    compiled = loop()
    if compiled is None:
        return pooled(rates, totals)
    found = np.array(rates, dtype=np.float64, order="C")
    compiled(found, np.ascontiguousarray(totals, dtype=np.float64))
    return found


def pooled(rates: Floats, totals: Floats) -> Floats:
    """The same in numpy: place after place, all rows at once."""
    rows, length = rates.shape
    pools = _Pools(rows, length)
    for place in range(length):
        pools.append(rates[:, place], totals[place])
    return pools.spread(length)


class _Pools:
    """Runs of neighbours that share one rate, of every row; neighbours out of order are merged.

    Shapes:
        means, weights and sizes (R, L), of which each row uses the first ``used`` (R,)
    """

    def __init__(self, rows: int, length: int) -> None:
        self.means, self.weights = np.zeros((rows, length)), np.zeros((rows, length))
        self.sizes = np.zeros((rows, length), dtype=np.int64)
        self.used = np.zeros(rows, dtype=np.int64)

    def append(self, rates: Floats, total: float) -> None:
        """Add the next length of every row: rates (R,)."""
        every = np.arange(len(self.used))
        self.means[every, self.used], self.weights[every, self.used], self.sizes[every, self.used] = rates, total, 1
        self.used += 1
        while len(every := every[self._rises(every)]):
            self._merge(every)

    def _rises(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of some rows end with a pool above the one before it."""
        last = self.used[rows] - 1
        return np.asarray((last > 0) & (self.means[rows, last - 1] < self.means[rows, last]))

    def _merge(self, rows: NDArray[np.int64]) -> None:
        """Merge the last two pools of some rows."""
        last, before = self.used[rows] - 1, self.used[rows] - 2
        weights = self.weights[rows, before] + self.weights[rows, last]
        share = self.weights[rows, last] / weights
        self.means[rows, before] += share * (self.means[rows, last] - self.means[rows, before])
        self.weights[rows, before] = weights
        self.sizes[rows, before] += self.sizes[rows, last]
        self.used[rows] -= 1

    def spread(self, length: int) -> Floats:
        """The rate of every length: (R, L)."""
        in_use = np.arange(length) < self.used[:, None]
        return np.repeat(self.means[in_use], self.sizes[in_use]).reshape(-1, length)
