"""Which contexts are tried: from none to one that passes a period of the data, and denser where the answer lies."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from memspan.needed_history.series import Series
from memspan.statistics.bootstrap import Floats

FIRST_LONGEST = 24
DENSE = 64
"""steps up to which each context is tried; beyond, each is some percent longer than the one before"""
DENSER = 128
"""the same where no longer context is tried"""
GROWTH = 1.06
PERIODS = 1.5
"""of the strongest autocorrelation that the longest context spans"""
POINTS_PER_STEP = 5
"""rows of the series for each feature that a context has, at least"""
MOST_FEATURES = 1_000
"""of a window: their products take a second"""
CLEAR_PEAK = 0.2
"""least autocorrelation at a period"""
SURE = 4.0
"""deviations of an autocorrelation of noise that a peak stands above"""


def most_steps(series: Series) -> int:
    """The longest context that a series may be asked of: at most a fifth of its rows."""
    return max(1, min(len(series) // POINTS_PER_STEP, MOST_FEATURES) // series.columns)


def first_longest(series: Series) -> int:
    """The longest context that is tried first; it passes one and a half periods of the data."""
    periods = [each for each in (series.season, strongest_period(series)) if each]
    longest = max([FIRST_LONGEST, *(int(np.ceil(PERIODS * period)) for period in periods)])
    return min(longest, most_steps(series))


def contexts(longest: int, dense: Iterable[range] = ()) -> NDArray[np.int64]:
    """The ladder from 0 to ``longest``, ascending; ``dense`` are stretches in which each context is tried."""
    if longest <= DENSER:
        return np.arange(longest + 1)
    rungs = [float(DENSE)]
    while rungs[-1] < longest:
        rungs.append(rungs[-1] * GROWTH)
    tried = {*range(DENSE + 1), *(min(longest, round(rung)) for rung in rungs), *(k for some in dense for k in some)}
    return np.array(sorted(each for each in tried if each <= longest))


def around(tried: NDArray[np.int64], steps: int) -> range:
    """The contexts between those that were tried next to ``steps``."""
    place = int(np.searchsorted(tried, steps))
    low, high = tried[max(place - 1, 0)], tried[min(place + 1, len(tried) - 1)]
    return range(int(low), int(high) + 1)


def strongest_period(series: Series) -> int | None:
    """Steps of the clearest peak of the target's autocorrelation or of its changes', which a trend can't hide."""
    column = series.foretold
    filled = np.where(np.isfinite(column), column, np.nanmean(column))
    found = [peak for each in (filled, np.diff(filled)) if (peak := _peak(each)) is not None]
    return max(found)[1] if found else None


def _peak(values: Floats) -> tuple[float, int] | None:
    """Height and lag of the highest peak up to a third of the values, if it is one."""
    correlation = autocorrelation(values, len(values) // 3)
    inner = correlation[2:-1]
    peaks = 2 + np.flatnonzero((inner > correlation[1:-2]) & (inner >= correlation[3:]))
    least = max(CLEAR_PEAK, SURE / len(values) ** 0.5)
    high = [int(lag) for lag in peaks if correlation[lag] > least and correlation[1:lag].min() < correlation[lag] / 2]
    return max((float(correlation[lag]), lag) for lag in high) if high else None


def autocorrelation(values: Floats, lags: int) -> Floats:
    """At lag 0 to before ``lags``; 0 everywhere where nothing varies."""
    centred = values - values.mean()
    size = 2 ** int(np.ceil(np.log2(2 * len(values))))
    spectrum = np.abs(np.fft.rfft(centred, size)) ** 2
    found: Floats = np.fft.irfft(spectrum, size)[:lags]
    return found / found[0] if found[0] > 0 else np.zeros(lags)
