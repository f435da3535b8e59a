"""The least size that suffices, such as a state's, and how it grows with what must be held."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memspan.claims.measured import Flags, Floats, Measured, bootstrapped

HALF = 0.5
"""share of runs for which a size must suffice"""


def growth(sizes: Sequence[int], loads: Sequence[int], sufficed: Sequence[Sequence[Flags]]) -> Measured:
    """Doublings of the needed size for each doubling of the load: the slope of a line through the logarithms.

    Where the least size suffices, or the largest doesn't, the needed one is only bounded: it is taken as the least
    size, or as twice the largest, and the note says so.

    Args:
        sizes, loads: ascending.
        sufficed: whether it did for each run, by load and size.
    """
    cells = [each.astype(float) for own in sufficed for each in own]
    places = np.log2(np.array(loads, dtype=float))
    weights = (places - places.mean()) / ((places - places.mean()) ** 2).sum()

    def slope(*runs: Floats) -> Floats:
        shares = np.stack([each.mean(axis=-1) for each in runs])  # (loads x sizes, ...)
        needs = needed(sizes, shares.reshape(len(loads), len(sizes), *shares.shape[1:]))
        found: Floats = np.tensordot(weights, needs, axes=1)
        return found

    found = bootstrapped(slope, *cells)
    told = [_told(sizes, np.array([each.mean() for each in own])) for own in sufficed]
    words = ", ".join(f"{need} for {load}" for need, load in zip(told, loads, strict=True))
    return Measured(found.value, found.low, found.high, found.n, f"Needed: {words}.")


def needed(sizes: Sequence[int], shares: Floats) -> Floats:
    """The logarithm (of 2) of the size from which on at least half of the runs get by; between two sizes the share is
    drawn straight over the logarithm.

    Shapes:
        shares (loads, sizes, ...) -> (loads, ...)
    """
    places = np.log2(np.array(sizes, dtype=float))
    result: Floats = np.full(shares.shape[:1] + shares.shape[2:], places[-1] + 1)
    for at in reversed(range(len(sizes))):
        share = shares[:, at]
        before = shares[:, at - 1] if at else share
        gap = np.where(share > before, share - before, 1)
        between = places[at] if not at else places[at - 1] + (HALF - before) / gap * (places[at] - places[at - 1])
        crossed = (share >= HALF) & ((before < HALF) | (at == 0))
        result = np.where(crossed, between, result)
    return result


def _told(sizes: Sequence[int], shares: Floats) -> str:
    if shares[0] >= HALF:
        return f"{sizes[0]} or less"
    if not (shares >= HALF).any():
        return f"more than {sizes[-1]}"
    return f"{2 ** float(needed(sizes, shares[None])[0]):.1f}"
