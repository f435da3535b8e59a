"""How long something takes that some don't reach while they are watched: Kaplan and Meier's estimate and median."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log
from statistics import NormalDist

import numpy as np

from memspan.statistics.bootstrap import LEVEL, Floats


@dataclass(frozen=True, slots=True)
class Curve:
    """The share that has not reached it, from each of some times on.

    Attributes:
        at_risk: how many were still watched just before each time.
        error: standard error of ``survival`` by Greenwood's formula.

    Shapes:
        all (T,)
    """

    times: Floats
    at_risk: Floats
    survival: Floats
    error: Floats


@dataclass(frozen=True, slots=True)
class Median:
    """The time that half need, with its 95 % interval; infinite where it lies behind all that was watched."""

    value: float
    low: float
    high: float


def curve(times: Sequence[float], reached: Sequence[bool]) -> Curve:
    """The product-limit estimate at each time when something was reached.

    Args:
        times: of each, when it was reached, or until when it was watched in vain.
        reached: which of the two; at equal times those that reached it count as watched by those before.

    Source:
        Kaplan & Meier (1958), J. American Statistical Association 53(282); Greenwood (1926).
    """
    at, there = np.asarray(times, dtype=np.float64), np.asarray(reached, dtype=bool)
    distinct = np.unique(at[there])
    risk = (at[None] >= distinct[:, None]).sum(axis=1).astype(np.float64)
    found = ((at[None] == distinct[:, None]) & there[None]).sum(axis=1)
    survival = np.cumprod(1 - found / risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(found / (risk * (risk - found)))
        error = np.where(survival > 0, survival * np.sqrt(variance), 0.0)
    return Curve(distinct, risk, survival, error)


def median(times: Sequence[float], reached: Sequence[bool]) -> Median:
    """When the curve falls through one half: the first time from which on fewer are left, and the middle of two where
    exactly half are left between them. Its interval holds the times at which one half lies within the curve's own
    (log-log) interval.

    Source:
        Brookmeyer & Crowley (1982), Biometrics 38(1): the interval; Kalbfleisch & Prentice (1980): log-log.
    """
    found = curve(times, reached)
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    ends = [_interval(share, error, z) for share, error in zip(found.survival, found.error, strict=True)]
    return Median(
        _first(found.times, [share < 0.5 - 1e-12 for share in found.survival], _half(found)),
        _first(found.times, [low <= 0.5 for low, _ in ends]),
        _first(found.times, [high < 0.5 for _, high in ends]),
    )


def _half(found: Curve) -> float | None:
    """The first time from which exactly half are left; None where there is none."""
    exact = found.times[np.abs(found.survival - 0.5) <= 1e-12]
    return float(exact[0]) if len(exact) else None


def _interval(share: float, error: float, z: float) -> tuple[float, float]:
    """Of one share left, by the normal interval of log(-log share)."""
    if not 0 < share < 1:
        return share, share
    width = exp(z * error / (share * abs(log(share))))
    return share**width, share ** (1 / width)


def _first(times: Floats, there: Sequence[bool], half: float | None = None) -> float:
    """The first time at which something holds; the middle between it and ``half`` where there is one."""
    at = next((float(time) for time, is_there in zip(times, there, strict=True) if is_there), inf)
    if half is None or at == inf:
        return at
    return (half + at) / 2
