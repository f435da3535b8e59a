"""Ridge regression on lags, with every context from one factorisation.

Features stand newest step first, so the features of a shorter context are the first ones of a longer: their Gram matrix
is its leading block, and the Cholesky factor of a leading block is the leading block of the factor. In the basis of the
factor each further feature adds its own term to the answer and changes no other: the answers of all contexts are the
running sum of one product. A point costs p^2 for all contexts together, p = K C.

Source:
    Golub & Van Loan (2013), Matrix Computations, section 4.2; Hoerl & Kennard (1970), Technometrics 12(1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memspan.needed_history.folds import Fold, rolling
from memspan.needed_history.losses import Losses
from memspan.needed_history.windows import Windows
from memspan.statistics.bootstrap import Floats

PENALTY = 1e-2
"""Added to the sum of squares of each feature, in deviations of its column: it holds what has no other solution, and
shrinks less than a thousandth of what 60 points say."""


@dataclass(frozen=True)
class Scale:
    """Shift and deviation of the columns (C,) and of what is foretold, from the first training part alone."""

    shift: Floats
    deviation: Floats
    target_shift: float
    target_deviation: float


@dataclass(frozen=True)
class Fit:
    """A fold's factor.

    Attributes:
        factor: (p, p) lower triangle of the Gram matrix of the centred features.
        centre: (p,) means of the features.
        mean: of the targets.
        terms: (p,) what a unit of each feature in the factor's basis adds to the answer.
    """

    factor: Floats
    centre: Floats
    mean: float
    terms: Floats

    def parts(self, features: Floats) -> Floats:
        """What each feature adds to the answers, given all newer ones: (r, p) -> (r, p)."""
        basis = np.linalg.solve(self.factor, (features - self.centre).T).T
        return np.asarray(basis * self.terms)

    def weights(self, count: int) -> Floats:
        """The regression's weights (count,) where the first ``count`` features are all that is known."""
        return np.asarray(np.linalg.solve(self.factor[:count, :count].T, self.terms[:count]))


def ridge(points: Windows, contexts: NDArray[np.int64]) -> Losses:
    """Squared errors of every context on the rolling origin's test points.

    Args:
        contexts: (X,) ascending from 0, at most ``points.longest``.
    """
    order = np.arange(points.longest * points.series.columns)
    return scored(points, order, contexts * points.series.columns, contexts)


def scored(points: Windows, order: NDArray[np.int64], counts: NDArray[np.int64], contexts: NDArray[np.int64]) -> Losses:
    """The same with the features in any order.

    Args:
        order: (p,) places of the features in a window (K, C), row by row, in the order of the factor.
        counts: (X,) how many of them each context knows.
    """
    folds = rolling(points)
    scale = scaled_by(points, folds[0].train)
    errors = np.concatenate([_errors(points, fold, fit, scale, order, counts)
                             for fold, fit in zip(folds, fits(points, folds, scale, order), strict=True)])  # fmt: skip
    test = slice(folds[0].test, folds[-1].end)
    targets, last = points.targets, points.last
    before = slice(0, folds[0].train)
    steps = targets[before] - last[before]
    spread = float(np.var(targets[before]))
    return Losses(
        learner="ridge",
        contexts=contexts,
        squared=errors**2,
        absolute=np.abs(errors).mean(axis=0),
        persistence=(targets[test] - last[test]) ** 2,
        points=points.origins[test] + points.series.horizon,
        training_ratio=float(np.mean(steps**2)) / spread if spread else np.inf,
        training_error=float(np.abs(steps).mean()),
        trained_on=folds[-1].train,
    )


def scaled_by(points: Windows, train: int) -> Scale:
    """Of all rows that the first training part knows; what is still there has deviation 1."""
    known = slice(0, int(points.origins[train - 1]) + 1)
    values, foretold = points.series.values[known], points.series.foretold[known]
    deviation, spread = np.nanstd(values, axis=0), float(np.nanstd(foretold))
    return Scale(
        shift=np.nanmean(values, axis=0),
        deviation=np.where(deviation > 0, deviation, 1.0),
        target_shift=float(np.nanmean(foretold)),
        target_deviation=spread if spread > 0 else 1.0,
    )


def fits(points: Windows, folds: Sequence[Fold], scale: Scale, order: NDArray[np.int64]) -> list[Fit]:
    """One for each fold; each adds its points to the moments of the one before."""
    size = len(order) + 2
    moments, known, found = np.zeros((size, size)), 0, []
    for fold in folds:
        for some, inputs in points.inputs(known, fold.train):
            rows = np.column_stack(
                [np.ones(len(inputs)), _features(inputs, scale, order), _scaled(points, some, scale)]
            )
            moments += rows.T @ rows
        known = fold.train
        found.append(_fit(moments))
    return found


def _fit(moments: Floats) -> Fit:
    """Of the sums of products of (1, features, target)."""
    count = moments[0, 0]
    means = moments[0, 1:] / count
    centred = moments[1:, 1:] - count * np.outer(means, means)
    features = len(means) - 1
    factor = np.linalg.cholesky(centred[:features, :features] + PENALTY * np.eye(features))
    terms = np.linalg.solve(factor, centred[:features, features])
    return Fit(factor, means[:features], float(means[features]), terms)


def _errors(
    points: Windows, fold: Fold, fit: Fit, scale: Scale, order: NDArray[np.int64], counts: NDArray[np.int64]
) -> Floats:
    """Target minus answer of each context at the fold's test points (t, X), in units of the target."""
    found = []
    for some, inputs in points.inputs(fold.test, fold.end):
        sums = np.cumsum(fit.parts(_features(inputs, scale, order)), axis=1)
        answers = fit.mean + np.column_stack([np.zeros(len(inputs)), sums])[:, counts]
        found.append(_scaled(points, some, scale)[:, None] - answers)
    return np.asarray(np.concatenate(found) * scale.target_deviation)


def _features(inputs: Floats, scale: Scale, order: NDArray[np.int64]) -> Floats:
    """Windows (r, K, C) -> (r, p)."""
    scaled = (inputs - scale.shift) / scale.deviation
    return scaled.reshape(len(inputs), -1)[:, order]


def _scaled(points: Windows, some: slice, scale: Scale) -> Floats:
    scaled: Floats = (points.targets[some] - scale.target_shift) / scale.target_deviation
    return scaled
