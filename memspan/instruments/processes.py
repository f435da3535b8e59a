"""Series of known memory: an estimator of needed history is proved on them before it is believed on data.

What an autoregression of k steps loses in the long run follows from the autocovariances alone (Durbin & Levinson), so
the truth of "the first context that keeps 95 % of the skill" is known even where memory never ends.

Source:
    Brockwell & Davis (1991), Time Series: Theory and Methods, sections 5.2 and 13.2; Atiya & Parlos (2000), IEEE Trans.
    Neural Networks 11(3), for NARMA-10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gamma

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BURN_IN = 500
"""steps before the series begins"""
FAR = 2_000
"""weights of past shocks that are kept where memory never ends"""


@dataclass(frozen=True)
class Process:
    """A linear process x(t) = sum of phi(i) x(t-i) + e(t) + sum of psi(j) e(t-j), with normal shocks of deviation 1.

    Attributes:
        name: for tables.
        autoregressive: phi, from lag 1.
        shocks: psi, from lag 1.
        fractional: d of (1 - B)^-d in place of psi, whose weights fall as a power law: an ARFIMA(0, d, 0).
        walks: sums up its steps: a random walk where there is nothing else.
    """

    name: str
    autoregressive: tuple[float, ...] = ()
    shocks: tuple[float, ...] = ()
    fractional: float = 0.0
    walks: bool = False

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """A stretch of the process (n,), after a burn-in."""
        shocks = fractional_weights(self.fractional, FAR) if self.fractional else np.array([1.0, *self.shocks])
        drawn = np.convolve(rng.standard_normal(n + BURN_IN + len(shocks) - 1), shocks, mode="valid")
        order = len(self.autoregressive)
        for t in range(order, len(drawn) if order else 0):
            drawn[t] += np.dot(self.autoregressive, drawn[t - order : t][::-1])
        found: Floats = np.cumsum(drawn[-n:]) if self.walks else drawn[-n:]
        return found

    def needed(self, lost: float = 0.05, longest: int = 200) -> int:
        """The first context that loses at most ``lost`` of the skill of all of the past, with endless data.

        A random walk has no autocovariance; its last value is all that tells of the next.
        """
        if self.walks:
            return 1
        losses = population_losses(self.autocovariance(longest + 1), longest)
        best = 1.0  # the variance of a shock, which no past foretells
        return int(np.argmax(losses - best <= lost * (losses[0] - best) + 1e-9))

    def autocovariance(self, lags: int) -> Floats:
        """At lag 0 to before ``lags``."""
        if self.fractional:
            j = np.arange(1, lags)
            start = gamma(1 - 2 * self.fractional) / gamma(1 - self.fractional) ** 2
            ratios = (j - 1 + self.fractional) / (j - self.fractional)
            return np.asarray(start * np.cumprod(np.concatenate([[1.0], ratios])))
        weights = self.weights()
        return np.array([weights[: len(weights) - lag] @ weights[lag:] for lag in range(lags)])

    def weights(self) -> Floats:
        """How much of a shock is left after 0, 1, ... steps."""
        weights = np.zeros(FAR)
        weights[: 1 + len(self.shocks)] = [1.0, *self.shocks]
        for lag in range(1, FAR):
            for back, phi in enumerate(self.autoregressive[:lag], 1):
                weights[lag] += phi * weights[lag - back]
        return weights


def population_losses(autocovariance: Sequence[float] | Floats, longest: int) -> Floats:
    """Mean squared error of the best linear answer from 0, 1, ..., ``longest`` steps (Durbin & Levinson): (K + 1,)."""
    covariance = np.asarray(autocovariance, dtype=float)
    losses, phi = np.empty(longest + 1), np.zeros(0)
    losses[0] = covariance[0]
    for k in range(1, longest + 1):
        reflection = (covariance[k] - phi @ covariance[k - 1 : 0 : -1]) / losses[k - 1]
        phi = np.append(phi - reflection * phi[::-1], reflection)
        losses[k] = losses[k - 1] * (1 - reflection**2)
    return losses


def fractional_weights(d: float, count: int) -> Floats:
    """psi(j) of (1 - B)^-d from lag 0: an ARFIMA(0, d, 0), whose memory falls as a power law."""
    j = np.arange(1, count)
    return np.cumprod(np.concatenate([[1.0], (j - 1 + d) / j]))


WHITE_NOISE = Process("white noise")
AR1 = Process("AR(1) .7", (0.7,))
AR2 = Process("AR(2) .5 .3", (0.5, 0.3))
AR5 = Process("AR(5) .3 0 0 0 .5", (0.3, 0.0, 0.0, 0.0, 0.5))
SMALL_AR5 = Process("AR(5) .4 .1 .1 .1 .15", (0.4, 0.1, 0.1, 0.1, 0.15))
SEASONAL = Process("AR(12) seasonal .8", (0.0,) * 11 + (0.8,))
MA1 = Process("MA(1) .8", (), (0.8,))
RANDOM_WALK = Process("random walk", walks=True)
LONG_MEMORY = Process("ARFIMA(0, .4, 0)", fractional=0.4)
LINEAR = (WHITE_NOISE, AR1, AR2, AR5, SMALL_AR5, SEASONAL, MA1, RANDOM_WALK, LONG_MEMORY)


def narma10(n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The input u and the output y of NARMA-10, (n,) each.

    y(t+1) = .3 y(t) + .05 y(t) (y(t) + ... + y(t-9)) + 1.5 u(t-9) u(t) + .1, u uniform in 0..0.5. Here y(t) stands
    beside the u that came before it, so that ten inputs up to t foretell y(t+1).
    """
    u = rng.uniform(0, 0.5, n + BURN_IN)
    y = np.zeros(n + BURN_IN)
    for t in range(9, n + BURN_IN - 1):
        y[t + 1] = min(0.3 * y[t] + 0.05 * y[t] * y[t - 9 : t + 1].sum() + 1.5 * u[t - 9] * u[t] + 0.1, 10.0)
    return u[-n:], y[-n:]


def folded_lag(n: int, rng: np.random.Generator, lag: int = 7, noise: float = 0.5) -> Floats:
    """x(t) = .9 |x(t - lag)| - 1 + e(t): only the step ``lag`` ago tells, and not along a line. (n,)."""
    shocks = noise * rng.standard_normal(n + BURN_IN)
    x = np.zeros(n + BURN_IN)
    for t in range(lag, n + BURN_IN):
        x[t] = 0.9 * abs(x[t - lag]) - 1 + shocks[t]
    return x[-n:]
