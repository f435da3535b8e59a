"""One number of each repeat as scores of a reading: by name, with the ends of its interval."""

from __future__ import annotations

import numpy as np

from memspan.statistics.band import Band, band, median_band
from memspan.statistics.bootstrap import Floats


def median_scores(name: str, values: Floats) -> dict[str, float | None]:
    """The median of one number of each repeat (n,); of several repeats with the ends of its interval."""
    found = median_band(values[:, None])
    return _named(name, len(values), found)


def mean_scores(name: str, values: Floats) -> dict[str, float | None]:
    """The same of their mean."""
    return _named(name, len(values), band(values[:, None, None]))


def _named(name: str, repeats: int, found: Band) -> dict[str, float | None]:
    value, low, high = (_known(part) for part in (found.value, found.low, found.high))
    return {name: value} if repeats == 1 else {name: value, f"{name}_low": low, f"{name}_high": high}


def _known(part: Floats) -> float | None:
    """What couldn't be worked out is None."""
    return None if np.isnan(part[0]) else float(part[0])
