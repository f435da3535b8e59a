"""Numbers that JSON can't hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def spelled(value: float) -> float | str:
    """A float as JSON may hold it: not-finite ones as "NaN", "Infinity" and "-Infinity"."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def jsonable(value: Any) -> Any:
    """The same nested data with every float spelled; tuples become lists."""
    if isinstance(value, float):
        return spelled(value)
    if isinstance(value, Mapping):
        return {key: jsonable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(each) for each in value]
    return value


SPELLINGS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def numeric(value: Any) -> Any:
    """The same nested data with every spelled number as a float again: what ``jsonable`` did, undone."""
    if isinstance(value, str):
        return SPELLINGS.get(value, value)
    if isinstance(value, Mapping):
        return {key: numeric(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [numeric(each) for each in value]
    return value
