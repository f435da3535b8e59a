"""A falling logistic curve fitted to success counts, for many data sets at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memspan.statistics.interval import Floats

# Standard deviations of the normal priors, in logits. They exist so that separated data, whose likelihood only rises
# as the curve steepens, still have a best curve; real curves are too informative to feel them.
HEIGHT_DEVIATION = 10.0
FALL_DEVIATION = 5.0  # over the smallest step of the grid
TOLERANCE = 1e-6  # logits
ITERATIONS = 200


@dataclass(frozen=True, slots=True)
class Curves:
    """R curves logit p(x) = height - fall (x - centre), fall >= 0, x in octaves.

    Shapes:
        height (R,) in logits, fall (R,) in logits per octave
    """

    centre: float
    height: Floats
    fall: Floats


def fit(octaves: Floats, successes: Floats, totals: Floats) -> Curves:
    """Fit each row of ``successes`` by penalised maximum likelihood under fall >= 0.

    Shapes:
        octaves (L,) ascending, successes (R, L), totals (L,)
    """
    steps = np.diff(octaves)
    rates = (successes / totals).mean(axis=0)
    centre = float(octaves[0] + (steps * (rates[1:] + rates[:-1]) / 2).sum())  # Spearman-Kärber, near the crossing
    design = np.stack([np.ones_like(octaves), centre - octaves], axis=1)  # (L, 2)
    smallest = float(steps.min(initial=np.inf))
    fall_precision = (smallest / FALL_DEVIATION) ** 2 if len(steps) else 1.0
    precisions = np.array([HEIGHT_DEVIATION**-2, fall_precision])
    height, fall = _newton(design, successes, totals, precisions).T
    rising = fall < 0  # the constraint binds: the best curve is then flat, as the penalised likelihood is concave
    if rising.any():
        flat = _newton(design[:, :1], successes[rising], totals, precisions[:1])
        height[rising], fall[rising] = flat[:, 0], 0.0
    return Curves(centre, height, fall)


def crossing(curves: Curves) -> Floats:
    """Where each curve falls through one half, in octaves; a flat one never does: +inf above one half, else -inf.

    Shapes:
        (R,)
    """
    flat = curves.fall <= 0
    never = np.where(curves.height >= -TOLERANCE, np.inf, -np.inf)
    reach = np.divide(curves.height, curves.fall, out=never, where=~flat)
    return np.asarray(curves.centre + reach)


def _newton(design: Floats, successes: Floats, totals: Floats, precisions: Floats) -> Floats:
    """Damped Newton ascent on all rows together.

    Shapes:
        design (L, P), successes (R, L), totals (L,), precisions (P,) -> (R, P)

    Source:
        Bach (2010), Electronic J. Statistics 4: a logistic likelihood is self-concordant in the largest change of a
        logit, so a step shortened to log(1 + d) / d ascends from anywhere and needs no line search.
    """
    weights = np.zeros((len(successes), design.shape[1]))
    products = np.einsum("lp,lq->lpq", design, design).reshape(len(design), -1)  # (L, P P)
    for _ in range(ITERATIONS):
        probability = 1 / (1 + np.exp(-np.clip(weights @ design.T, -500, 500)))  # (R, L)
        gradient = (successes - totals * probability) @ design - weights * precisions  # (R, P)
        curvature = (totals * probability * (1 - probability)) @ products  # (R, P P)
        hessian = curvature.reshape(-1, design.shape[1], design.shape[1]) + np.diag(precisions)
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]  # (R, P)
        change = np.abs(step @ design.T).max(axis=1)  # (R,)
        weights += step * (np.log1p(change) / np.maximum(change, TOLERANCE**2))[:, None]
        if change.max() < TOLERANCE:
            break
    return weights
