"""The windows of a series as a task for the engine: a length is a context, and all are scored on the same points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PrivateAttr
from torch import Generator, Tensor

from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.task import Baseline, SetSizes, Split, TaskSpec
from memspan.needed_history.ridge import Scale
from memspan.needed_history.windows import Windows
from memspan.tasks import task


@dataclass(frozen=True, eq=False)
class Sets:
    """Which points are trained on and which are scored.

    Attributes:
        train: (N,) positions among the points, ascending; the last of them are for validation.
        test: (T,) positions of the scored ones, ascending.
        scale: from the training part alone.
        relative: whether windows and targets are told by their distance from the last value, as a drift asks for.
    """

    points: Windows
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    scale: Scale
    relative: bool


class WindowedSeries(TaskSpec):
    """The last steps of a series foretell what comes; the series lies in memory, so that no spec of a user has it."""

    title: ClassVar[str] = "Windows of a series"
    reference: ClassVar[str] = "docs/history.md"
    minimum_length: ClassVar[int] = 1
    kind: Literal["windowed_series"] = "windowed_series"
    name: str
    rows: int
    _sets: Sets = PrivateAttr()

    @classmethod
    def of(cls, sets: Sets) -> WindowedSeries:
        """The task of some sets."""
        series = sets.points.series
        made = cls(name=series.target, rows=len(series))
        made._sets = sets
        return made

    @property
    def sets(self) -> Sets:
        """Which points are trained on and which are scored."""
        return self._sets

    def signature(self, length: int) -> Signature:
        channels = self._sets.points.series.columns
        return Signature(length, channels=channels, outputs=1, problem=Problem.REGRESSION)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """Nobody knows: that is the question."""
        return tuple(range(length))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        return ()

    def sizes(self) -> SetSizes:
        return SetSizes(len(self._sets.train), len(self._sets.test))

    def windows(self, positions: NDArray[np.int64], length: int) -> Tensor:
        """Some points' windows, oldest step first, scaled: (B, T, C)."""
        sets, series = self._sets, self._sets.points.series
        rows = sets.points.origins[positions][:, None] + np.arange(1 - length, 1)
        scaled = (series.values[rows] - sets.scale.shift) / sets.scale.deviation
        return torch.from_numpy(scaled - scaled[:, -1:] if sets.relative else scaled).float()

    def targets(self, positions: NDArray[np.int64]) -> Tensor:
        """What came after them, scaled: (B, 1)."""
        return torch.from_numpy((self.wanted(positions) - self.shift(positions)) / self.deviation)[:, None].float()

    def wanted(self, positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """What came after some points, in units of the data (B,)."""
        return self._sets.points.targets[positions]

    def shift(self, positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """What an answer of 0 means, in units of the data (B,)."""
        if self._sets.relative:
            return self._sets.points.last[positions]
        return np.full(len(positions), self._sets.scale.target_shift)

    @property
    def deviation(self) -> float:
        """What an answer of 1 adds to it, in units of the data."""
        return self._sets.scale.target_deviation


@task.unlisted(WindowedSeries)
def sample(spec: WindowedSeries, length: int, count: int, rng: Generator, split: Split) -> Batch:
    """The first points of a set, in the order of time: a validation set is cut from the end, and lies behind.

    Shapes:
        inputs (B, T, C), targets (B, 1).
    """
    chosen = (spec.sets.train if split == "train" else spec.sets.test)[:count]
    return Batch(spec.windows(chosen, length), spec.targets(chosen))
