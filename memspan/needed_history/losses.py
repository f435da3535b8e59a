"""What a learner lost at each point of the test by each context: all that the rule needs to know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memspan.statistics.bootstrap import Floats


@dataclass(frozen=True)
class Losses:
    """Squared errors of one learner on the same test points.

    Attributes:
        learner: its name.
        contexts: (X,) steps that were known, ascending from 0: the answer of the training mean.
        squared: (T, X) in squared units of the target, in the order of time; of nets the mean over repeats.
        absolute: (X,) mean absolute error, in units of the target.
        persistence: (T,) what the last value would have lost.
        points: (T,) the rows of the series that were foretold.
        training_ratio: persistence's loss as a share of the constant's, on the training part.
        training_error: mean absolute error of persistence on the training part: what MASE is measured in.
        trained_on: points that the last of the models was trained on.
        repeats: (R, T, X) squared errors of each repeat of a learner that begins at random; None of one that doesn't.
    """

    learner: str
    contexts: NDArray[np.int64]
    squared: Floats
    absolute: Floats
    persistence: Floats
    points: NDArray[np.int64]
    training_ratio: float
    training_error: float
    trained_on: int
    repeats: Floats | None = None
