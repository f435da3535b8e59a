"""The windows of a series: what is known before each point, newest step first, and what came after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from memspan.needed_history.series import Series, UnusableSeries
from memspan.statistics.bootstrap import Floats

FEWEST_WHOLE = 40
"""points with the longest context behind them: so many has the shortest series with its first contexts"""
NUMBERS_AT_ONCE = 4_000_000
"""numbers of windows that are held at once: 32 MB"""


@dataclass(frozen=True)
class Windows:
    """All points of a series that have ``longest`` known steps behind them: the same for every context.

    Otherwise each context would be scored on points of its own, and a loud beginning that only short ones reach would
    make long ones look better than they are.

    Attributes:
        origins: (N,) the row of the last known step of each point, ascending.
    """

    series: Series
    longest: int
    origins: NDArray[np.int64]

    @property
    def targets(self) -> Floats:
        """(N,) what was to be foretold."""
        found: Floats = self.series.foretold[self.origins + self.series.horizon]
        return found

    @property
    def last(self) -> Floats:
        """(N,) the target's column at the last known step: what persistence answers."""
        found: Floats = self.series.foretold[self.origins]
        return found

    def inputs(self, first: int, last: int) -> Iterator[tuple[slice, Floats]]:
        """Points ``first`` to before ``last`` in blocks, each with its windows (r, K, C), newest step first."""
        rows = max(1, NUMBERS_AT_ONCE // max(1, self.longest * self.series.columns))
        view = sliding_window_view(self.series.values, self.longest, axis=0)[..., ::-1]  # (n - K + 1, C, K)
        for start in range(first, last, rows):
            some = slice(start, min(start + rows, last))
            yield some, np.swapaxes(view[self.origins[some] - self.longest + 1], 1, 2)


def windows(series: Series, longest: int) -> Windows:
    """The points of a series with ``longest`` >= 1 steps behind them; those that miss a number are nobody's.

    Raises:
        UnusableSeries: too few points are left.
    """
    known = np.isfinite(series.values).all(axis=1)
    gaps = np.concatenate([[0], np.cumsum(~known)])
    origins = np.arange(longest - 1, len(series) - series.horizon)
    whole = gaps[origins + 1] == gaps[origins - longest + 1]
    usable = origins[whole & np.isfinite(series.foretold[origins + series.horizon])]
    if len(usable) < FEWEST_WHOLE:
        raise UnusableSeries(
            "longest", f"{len(usable)} points have {longest} known steps behind them; {FEWEST_WHOLE} are needed. "
                       "Fill gaps, or ask for shorter contexts.")  # fmt: skip
    return Windows(series, longest, usable)
