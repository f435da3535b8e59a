"""Sources: where this process had its loops from, compiled or from disk, for those who watch it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

Source = Literal["compiled", "disk"]

_counts: Counter[Source] = Counter()
"""of the one library that a process has; it needs no compiler to be asked"""


def had(source: Source) -> None:
    """Count a loop."""
    _counts[source] += 1


def taken() -> Mapping[Source, int]:
    """How many loops came from where since this was last asked."""
    found = dict(_counts)
    _counts.subtract(found)
    return {source: count for source, count in found.items() if count}
