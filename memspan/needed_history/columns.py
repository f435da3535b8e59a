"""Which columns matter, and how far back: each column's own past, given what the others tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memspan.needed_history.folds import rolling
from memspan.needed_history.ridge import fits, scaled_by, scored
from memspan.needed_history.rule import Need, needed
from memspan.needed_history.windows import Windows
from memspan.statistics.blocks import block_length, redrawn_means
from memspan.statistics.bootstrap import Floats, ends


@dataclass(frozen=True)
class ColumnNeed:
    """How many steps of one column are needed beside the others.

    Attributes:
        need: against the others alone.
        share: of the whole loss without it that the column takes away.
    """

    name: str
    need: Need
    share: float


@dataclass(frozen=True)
class Blinded:
    """What is lost when one column at one lag is hidden from the model of the needed context, as a share of its loss.

    Attributes:
        lost, low, high: (K, C), newest step first.
    """

    lost: Floats
    low: Floats
    high: Floats


def column_needs(points: Windows, steps: int) -> tuple[ColumnNeed, ...]:
    """Of each column, with models that were trained anew for each of its contexts.

    Args:
        steps: of the other columns that are known meanwhile, at least 1.
    """
    return tuple(_column_need(points, column, steps) for column in range(points.series.columns))


def _column_need(points: Windows, column: int, steps: int) -> ColumnNeed:
    columns, longest = points.series.columns, points.longest
    places = np.arange(longest * columns).reshape(longest, columns)
    others = np.delete(places[:steps], column, axis=1).ravel()
    contexts = np.arange(longest + 1)
    order = np.concatenate([others, places[:, column]])
    losses = scored(points, order, len(others) + contexts, contexts)
    means = losses.squared.mean(axis=0)
    drawn = redrawn_means(losses.squared, block_length(len(losses.squared), points.series.horizon))
    need = needed("constant", contexts, means, float(means[0]), drawn, drawn[:, 0])
    return ColumnNeed(points.series.names[column], need, float(1 - means.min() / means[0]))


def blinded(points: Windows, steps: int) -> Blinded:
    """Each column and lag up to ``steps`` in turn replaced by its training mean, in a model that knew it."""
    count = steps * points.series.columns
    order: NDArray[np.int64] = np.arange(points.longest * points.series.columns)
    folds = rolling(points)
    scale = scaled_by(points, folds[0].train)
    losses = []
    for fold, fit in zip(folds, fits(points, folds, scale, order), strict=True):
        weights = fit.weights(count)
        for some, inputs in points.inputs(fold.test, fold.end):
            scaled = ((inputs - scale.shift) / scale.deviation).reshape(len(inputs), -1)[:, :count]
            told = (scaled - fit.centre[:count]) * weights
            wanted = (points.targets[some] - scale.target_shift) / scale.target_deviation
            error = (wanted - fit.mean - told.sum(axis=1))[:, None]
            losses.append(np.hstack([error**2, (error + told) ** 2]))
    every = np.concatenate(losses)
    means = every.mean(axis=0)
    drawn = redrawn_means(every, block_length(len(every), points.series.horizon))
    low, high = ends((drawn[:, 1:] / drawn[:, :1] - 1).T)
    shape = (steps, points.series.columns)
    return Blinded((means[1:] / means[0] - 1).reshape(shape), low.reshape(shape), high.reshape(shape))
