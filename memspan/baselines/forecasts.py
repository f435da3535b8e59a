"""Forecasts that need no network: what every score of a series is held against."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from memspan.datasets.windows import Windows
from memspan.interfaces.batch import Batch

Numbers = NDArray[np.float64]
ROWS, COLUMNS = 50_000, 1_000
"""most windows that a ridge regression is fitted on, and most numbers of each: the last of both"""
PENALTY = 1e-3
"""of the squared weights, for each window"""
LONGEST_SEASON = 2_000
CLEAR = 0.3
"""autocorrelation that a season has at least"""
NEARLY = 0.85
"""of the highest peak: the first that reaches so much of it is the season"""


def season_of(data: Windows) -> int | None:
    """The lag above 1 of the first high peak of the autocorrelation of training changes; None where it has none."""
    stop = int(data.points["train"].max()) + 1
    first = int(data.begins[stop - 1])
    values = data.past[first:stop]
    values = np.diff(values)  # a trend is no season
    longest = min(len(values) // 3, LONGEST_SEASON)
    centred = values - values.mean()
    power = float(centred @ centred)
    if longest < 3 or power == 0:
        return None
    size = 1 << (2 * len(values) - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(centred, size)) ** 2
    correlation = np.fft.irfft(spectrum, size)[: longest + 1] / power
    inner = correlation[2:-1]
    peaks = np.flatnonzero((inner > correlation[1:-2]) & (inner >= correlation[3:]) & (inner > CLEAR))
    if not len(peaks):
        return None
    return int(peaks[inner[peaks] >= NEARLY * inner[peaks].max()][0]) + 2  # two years are as alike as one


def simple_scores(data: Windows, season: int | None) -> dict[str, float]:
    """Mean squared errors on the test points of answering 0, the training mean, the last value, one a season ago."""
    points = data.points["test"]
    goals = data.target[points + data.horizon]
    mean = float(data.target[data.points["train"] + data.horizon].mean())
    found = {
        "do_nothing": _error(goals, np.zeros_like(goals)),
        "training_mean": _error(goals, np.full_like(goals, mean)),
        "persistence": _error(goals, data.past[points]),
    }
    if season is not None:
        back = points + data.horizon - season * -(-data.horizon // season)
        if (back >= data.begins[points]).all():
            found["seasonal_naive"] = _error(goals, data.past[back])
    return found


def mase_scale(data: Windows) -> float:
    """Mean absolute error of the last value on the training points; MASE is undefined where it is 0."""
    points = data.points["train"]
    return float(np.abs(data.target[points + data.horizon] - data.past[points]).mean())


def ridge(train: Batch, test: Batch) -> float:
    """Mean squared error of a linear regression with a small penalty, fitted on the training windows."""
    design, goals = _design(train), train.targets[-ROWS:].double()
    gram = design.T @ design
    gram += PENALTY * len(design) * torch.eye(len(gram), dtype=torch.float64)
    weights = torch.linalg.solve(gram, design.T @ goals)
    errors = [
        (_design(test[slice(start, start + ROWS)]) @ weights - test.targets[start : start + ROWS].double())
        .square()
        .sum()
        for start in range(0, len(test), ROWS)
    ]
    return float(torch.stack(errors).sum()) / len(test)


def _design(windows: Batch) -> torch.Tensor:
    """A one and the last numbers of each window, (B, 1 + T C)."""
    numbers = windows.inputs[-ROWS:].flatten(1)[:, -COLUMNS:].double()
    return torch.cat([torch.ones(len(numbers), 1, dtype=torch.float64), numbers], dim=1)


def _error(goals: Numbers, answers: Any) -> float:
    return float(np.square(goals - answers).mean())
