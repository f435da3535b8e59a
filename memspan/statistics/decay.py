"""How something falls with its distance in time: exponentially, or as a power law."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, log, nan

import numpy as np

from memspan.statistics.bootstrap import Floats

FEWEST_POINTS = 3
# Rounding leaves squared residuals of some 1e-32 where a curve is exact; below it one fit can't be told from another.
LEAST_VARIANCE = 1e-30
SCORES = (
    "half_length_steps",
    "exponential_rate",
    "power_law_exponent",
    "exponential_aic",
    "power_law_aic",
    "aic_difference",
)
PARAMETERS = 3  # height, slope, and the variance of the residuals


@dataclass(frozen=True, slots=True)
class Decay:
    """Two curves fitted to the logarithms of the same points.

    Attributes:
        rate: of the exponential y = a e^(-rate lag), per step; below 0 where it grows.
        exponent: of the power law y = a (lag + 1)^-exponent.
        exponential_aic: Akaike's criterion of the exponential in log y; the lower of the two fits better.
        power_aic: the same of the power law.
        points: that were fitted; with fewer than three all of the above is NaN.
    """

    rate: float
    exponent: float
    exponential_aic: float
    power_aic: float
    points: int

    @property
    def half_length(self) -> float:
        """Steps in which the exponential halves: ln 2 / rate, infinite where it doesn't fall."""
        return log(2) / self.rate if self.rate > 0 else nan if self.rate != self.rate else inf

    @property
    def aic_difference(self) -> float:
        """The exponential's criterion minus the power law's: above 0 where the power law fits better."""
        return self.exponential_aic - self.power_aic

    def scores(self) -> dict[str, float]:
        """By name, for a reading."""
        values = (
            self.half_length,
            self.rate,
            self.exponent,
            self.exponential_aic,
            self.power_aic,
            self.aic_difference,
        )
        return dict(zip(SCORES, values, strict=True))


def fit_decay(lags: Floats, values: Floats) -> Decay:
    """Fit both laws to ``values`` (L,) at ``lags`` (L,) >= 0 by least squares of log y.

    Points that are not above 0, or not finite, have no logarithm and are left out. The power law counts from lag + 1,
    as the survival (n + 1)^-p of a power-law gate does, so that lag 0 has a place. Neighbouring points of one curve
    are not independent: the difference of the two AIC tells which law is nearer, not how sure that is.

    Source:
        AIC of least squares, n log(RSS / n) + 2 k: Burnham & Anderson (2002), Model Selection, section 2.2.
    """
    kept = np.isfinite(values) & (values > 0)
    return fit_logarithms(lags[kept], np.log(values[kept]))


def fit_logarithms(lags: Floats, heights: Floats) -> Decay:
    """The same from finite logarithms (L,), which hold what is too small for a number itself."""
    if len(heights) < FEWEST_POINTS:
        return Decay(nan, nan, nan, nan, len(heights))
    slope, exponential = _line(lags, heights)
    power, power_law = _line(np.log1p(lags), heights)
    return Decay(-slope, -power, exponential, power_law, len(heights))


def slopes(x: Floats, y: Floats) -> Floats:
    """Least-squares slope of each row: x (L,), y (..., L) -> (...)."""
    centred = x - x.mean()
    found: Floats = y @ centred / (centred @ centred)
    return found


def middle(values: int) -> slice:
    """The middle of a curve without its first and last tenth, where the read-out and the start of a sequence show."""
    edge = values // 10
    return slice(edge, values - edge)


def _line(x: Floats, y: Floats) -> tuple[float, float]:
    """Slope and AIC of a straight line."""
    slope = float(slopes(x, y))
    residuals = y - y.mean() - slope * (x - x.mean())
    variance = max(float(np.mean(residuals**2)), LEAST_VARIANCE)
    if not isfinite(slope):
        return nan, nan
    return slope, len(x) * log(variance) + 2 * PARAMETERS
