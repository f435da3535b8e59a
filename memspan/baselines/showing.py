"""How long ago a key was shown last, where pairs are drawn anew at each place."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@lru_cache(maxsize=256)
def asked_by_lag(pairs: int, keys: int, noise: float) -> Floats:
    """How many answers are due at each lag in pairs, 1 .. ``pairs`` - 1, on average over sequences, (P - 1,).

    Each of the pairs but the first and the last is noise with a chance; the others have one of the keys, all equally
    likely. The last one has a key that was shown before, all of those equally likely.
    """
    found = np.zeros(pairs - 1)
    shown = (1 - noise) / keys
    for place in range(1, pairs - 1):
        lags = np.arange(1, place + 1)
        last = shown * (1 - shown) ** (lags - 1)
        last[-1] = (1 - shown) ** (place - 1) / keys  # the first pair is never noise
        found[:place] += (1 - noise) * last
    return found + _forced(pairs - 1, keys, noise)


def _forced(before: int, keys: int, noise: float) -> Floats:
    """Chance that a key which is drawn from all that were shown lies so many pairs back.

    Going back in time, the number of different keys is a chain: with j of them, a pair shows another one by the chance
    (1 - noise) (keys - j) / keys. The key that is found at a lag is the chosen one by 1 / their number in the end.
    """
    most = min(before, keys)
    counts = np.arange(most + 1)
    new = (keys - counts) / keys
    # ahead[r, j]: mean of 1 / the number in the end with j found and r pairs to go, of which the last is no noise
    ahead = np.zeros((before + 1, most + 2))
    ahead[0, 1 : most + 1] = 1 / counts[1:]
    for left in range(1, before + 1):
        step = new if left == 1 else (1 - noise) * new
        ahead[left, : most + 1] = step * ahead[left - 1, 1:] + (1 - step) * ahead[left - 1, : most + 1]
    found, there = np.zeros(before), np.zeros(most + 1)
    there[0] = 1.0
    for lag in range(1, before + 1):
        left = before - lag
        step = new if left == 0 else (1 - noise) * new
        fresh = there * step
        found[lag - 1] = (fresh[:-1] * ahead[left, 1 : most + 1]).sum()
        there = there * (1 - step)
        there[1:] += fresh[:-1]
    return found
