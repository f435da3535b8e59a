"""Two samples beside each other: how far apart, how sure, and what is known where one of them lies out of sight."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, sqrt
from statistics import NormalDist

import numpy as np

from memspan.statistics.bootstrap import Floats, ends


@dataclass(frozen=True)
class Bounded:
    """A number of which only bounds may be known, with what resampled repeats make of it.

    Attributes:
        least, most: it lies between them; equal where it is known.
        drawn_least, drawn_most: the same in each resample (R,).
        gap_least, gap_most: between which it can't be resolved, whatever the repeats; else as ``least`` and ``most``.
    """

    least: float
    most: float
    drawn_least: Floats
    drawn_most: Floats
    gap_least: float
    gap_most: float


@dataclass(frozen=True)
class Contrast:
    """How far one number lies from another: a difference, or a ratio.

    Attributes:
        value: None where nothing is known of it; a bound where ``bound`` says so.
        low, high: of its 95 % interval; infinite ends are open.
        bound: at_least or at_most.
    """

    value: float | None
    low: float
    high: float
    bound: str | None = None

    def negated(self) -> Contrast:
        """The difference the other way round."""
        return Contrast(None if self.value is None else -self.value, -self.high, -self.low, self._turned)

    def inverted(self) -> Contrast:
        """The ratio the other way round."""
        value = None if self.value is None else _over(1.0, self.value)
        return Contrast(value, _over(1.0, self.high), _over(1.0, self.low), self._turned)

    @property
    def _turned(self) -> str | None:
        return {"at_least": "at_most", "at_most": "at_least"}.get(self.bound or "")


def known(value: float, drawn: Floats) -> Bounded:
    """A number without bounds."""
    return Bounded(value, value, drawn, drawn, value, value)


def difference(a: Bounded, b: Bounded) -> Contrast:
    """``a`` minus ``b``."""
    low = min(float(ends(a.drawn_least - b.drawn_most)[0]), a.gap_least - b.gap_most)
    high = max(float(ends(a.drawn_most - b.drawn_least)[1]), a.gap_most - b.gap_least)
    return _contrast(a.least - b.most, a.most - b.least, low, high, -inf, inf)


def ratio(a: Bounded, b: Bounded) -> Contrast:
    """``a`` over ``b``, both 0 or more."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low = float(ends(a.drawn_least / b.drawn_most)[0])
        high = float(ends(_open(a.drawn_most / b.drawn_least))[1])
    low, high = min(low, _over(a.gap_least, b.gap_most)), max(high, _over(a.gap_most, b.gap_least))
    return _contrast(_over(a.least, b.most), _over(a.most, b.least), low, high, 0.0, inf)


def _open(ratios: Floats) -> Floats:
    """0 / 0 may be anything."""
    return np.where(np.isnan(ratios), inf, ratios)


def _over(a: float, b: float) -> float:
    if b == 0:
        return inf
    return 0.0 if b == inf else a / b


def _contrast(least: float, most: float, low: float, high: float, lowest: float, highest: float) -> Contrast:
    """With what is known of the value: it lies between ``least`` and ``most``, and may not leave its natural ends."""
    if least == most:
        return Contrast(least, min(low, least), max(high, least))
    if least <= lowest and most >= highest:
        return Contrast(None, lowest, highest)
    if most >= highest:
        return Contrast(least, min(low, least), highest, "at_least")
    if least <= lowest:
        return Contrast(most, lowest, max(high, most), "at_most")
    if least > 0:
        return Contrast(least, min(low, least), max(high, most), "at_least")
    if most < 0:
        return Contrast(most, min(low, least), max(high, most), "at_most")
    return Contrast(None, min(low, least), max(high, most))


def beats(a: Floats, b: Floats) -> float:
    """The probability that one value of ``a`` is larger than one of ``b``; equal ones count half, infinite ones too.

    Source:
        Mann & Whitney (1947), Annals of Mathematical Statistics 18(1): U / (n m).
    """
    return float((a[:, None] > b[None]).mean() + 0.5 * (a[:, None] == b[None]).mean())


def rank_test(a: Floats, b: Floats) -> float:
    """How probable so uneven a share of wins is where both are of one kind: Mann and Whitney's test, two-sided, by the
    normal number with corrections for ties and for steps; 1 where all are equal.

    With five values or more a side it is not below the exact one by more than a tenth.
    """
    n, m = len(a), len(b)
    _, sizes = np.unique(np.concatenate([a, b]), return_counts=True)
    total = n + m
    variance = n * m / 12 * ((total + 1) - float((sizes**3 - sizes).sum()) / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    off = abs(beats(a, b) * n * m - n * m / 2)
    return min(1.0, 2 * NormalDist().cdf(-max(0.0, off - 0.5) / sqrt(variance)))


def finite(value: float) -> float | None:
    """None for an open end."""
    return value if isfinite(value) else None
