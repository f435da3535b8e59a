"""Rolling origin: what is scored lies after what was trained on, again and again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from memspan.needed_history.windows import Windows

TRAINING_ONLY = 0.4
"""share of the points that nothing is scored on"""
FOLDS = 5


@dataclass(frozen=True)
class Fold:
    """Points 0 to before ``train`` are trained on; ``test`` to before ``end`` are scored."""

    train: int
    test: int
    end: int


def rolling(points: Windows, folds: int = FOLDS, training: float = TRAINING_ONLY) -> tuple[Fold, ...]:
    """The points after the first 40 % in five parts; each is foretold by all that was known when it began."""
    edges = np.linspace(training * len(points.origins), len(points.origins), folds + 1).astype(int)
    return tuple(Fold(_known(points, first), int(first), int(end)) for first, end in pairwise(edges))


def _known(points: Windows, first: int) -> int:
    """How many points have a target that was known when point ``first`` was asked: a gap of horizon - 1."""
    return int(np.searchsorted(points.origins, points.origins[first] - points.series.horizon, side="right"))
