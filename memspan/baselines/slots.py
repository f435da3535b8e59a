"""Which slot the i-th of several draws without replacement takes, where some slots are likelier than others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NODES = 150
"""times at which the integral over the race is worked out"""
EARLIEST, LATEST = 1e-9, 60.0
"""of the race's clock, in mean times of the likeliest and the least likely slot"""


def power_law(slots: int, power: float) -> Floats:
    """Chances of the slots 1, 2, ..: a g^(a - 1), made to add up to 1."""
    raw = power * np.arange(1, slots + 1, dtype=np.float64) ** (power - 1)
    found: Floats = raw / raw.sum()
    return found


@lru_cache(maxsize=256)
def _drawn(slots: int, draws: int, power: float) -> Floats:
    return draw_chances(power_law(slots, power), draws)


def drawn_slots(slots: int, draws: int, power: float, shuffled: bool = False) -> Floats:
    """Chance of each slot at each draw, (draws, slots): each row adds up to 1; shuffled, all rows are their mean."""
    if power == 1:
        return np.full((draws, slots), 1 / slots)
    found = _drawn(slots, draws, power)
    return np.repeat(found.mean(0, keepdims=True), draws, axis=0) if shuffled else found


def draw_chances(chances: Floats, draws: int) -> Floats:
    """The same for any chances of the slots (S,).

    To draw without replacement is to let slots arrive after exponential times, each with its chance as its rate, and
    to take them in the order of their arrival. Slot g is the i-th one if it arrives at t and i - 1 others before t:
    the integral of p_g e^(-p_g t) P(i - 1 of the others arrived by t) over t, by Gauss and Legendre in log t.

    Source:
        Efraimidis & Spirakis (2006), Information Processing Letters 97(5), for the race.
    """
    low, high = np.log(EARLIEST / chances.max()), np.log(LATEST / chances.min())
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    times = np.exp(low + (nodes + 1) / 2 * (high - low))
    weights = weights * (high - low) / 2 * times
    here = 1 - np.exp(-np.outer(times, chances))  # (N, S), whether each has arrived
    density = chances * np.exp(-np.outer(times, chances)) * weights[:, None]
    found = np.empty((draws, len(chances)))
    nobody = np.zeros((NODES, draws))
    nobody[:, 0] = 1.0
    for slot, before in _without_each(here, nobody, 0):
        found[:, slot] = (density[:, slot, None] * before).sum(0)
    shares: Floats = found / found.sum(1, keepdims=True)
    return shares


def _without_each(there: Floats, counts: Floats, first: int) -> Iterator[tuple[int, Floats]]:
    """Chances (N, D) that 0, 1, .. D - 1 of all things but one are there, for each one: by halves, each half with all
    of the other added to ``counts``."""
    size = there.shape[1]
    if size == 1:
        yield first, counts
        return
    half = size // 2
    yield from _without_each(there[:, :half], _with_all(there[:, half:], counts), first)
    yield from _without_each(there[:, half:], _with_all(there[:, :half], counts), first + half)


def _with_all(there: Floats, counts: Floats) -> Floats:
    """The chances of counts (N, D) once some independent things, there with chances (N, S), are counted too."""
    for each in there.T:
        kept = counts * (1 - each)[:, None]
        kept[:, 1:] += counts[:, :-1] * each[:, None]
        counts = kept
    return counts
