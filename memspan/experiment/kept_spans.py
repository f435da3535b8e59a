"""Memory spans of counts that were met before: results are made anew whenever a run ends, and comparisons ask again."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from hashlib import sha256

import numpy as np
from cachetools import LRUCache, cached

from memspan.statistics.bootstrap import RESAMPLES
from memspan.statistics.span import Span, memory_span

KEPT = 4_096
"""spans; the counts of a thousand lengths are kept as their digest only"""


def _digest(lengths: Sequence[int], successes: Sequence[int], totals: Sequence[int], resamples: int) -> Hashable:
    return sha256(np.array([lengths, successes, totals], dtype=np.int64).tobytes()).digest(), resamples


@cached(LRUCache(KEPT), key=_digest, lock=threading.Lock())
def _kept(lengths: Sequence[int], successes: Sequence[int], totals: Sequence[int], resamples: int) -> Span | None:
    return memory_span(lengths, successes, totals, resamples)


def kept_span(
    lengths: Sequence[int], successes: Sequence[int], totals: Sequence[int], resamples: int = RESAMPLES
) -> Span | None:
    """The same as ``memory_span``."""
    return _kept(lengths, successes, totals, resamples)
