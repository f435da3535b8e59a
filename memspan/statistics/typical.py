"""Numbers of repeats as one: their median, where one repeat in thirty may be a million times the others, or mean."""

from __future__ import annotations

import numpy as np

from memspan.statistics.band import Band, band
from memspan.statistics.bootstrap import Floats, interval


def typical(rows: Floats) -> Band:
    """Median over rows (n, X) and its percentile bootstrap interval; rows with a value that is NaN are left out."""
    kept = rows[~np.isnan(rows).any(axis=1)]
    places = rows.shape[1]
    if not len(kept):
        nothing = np.full(places, np.nan)
        return Band(nothing, nothing, nothing, 0)
    low, high = interval(lambda drawn: np.median(drawn, axis=-1), kept.T)
    return Band(np.median(kept, axis=0), low, high, len(kept))


def scores(name: str, values: Floats) -> dict[str, float | None]:
    """The median of one number of each repeat (n,); of several repeats with the ends of its interval."""
    found = typical(values[:, None])
    return _named(name, len(values), found)


def averaged(name: str, values: Floats) -> dict[str, float | None]:
    """The same of their mean."""
    return _named(name, len(values), band(values[:, None, None]))


def _named(name: str, repeats: int, found: Band) -> dict[str, float | None]:
    value, low, high = (_known(part) for part in (found.value, found.low, found.high))
    return {name: value} if repeats == 1 else {name: value, f"{name}_low": low, f"{name}_high": high}


def _known(part: Floats) -> float | None:
    """What couldn't be worked out is None."""
    return None if np.isnan(part[0]) else float(part[0])
