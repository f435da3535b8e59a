"""Latching a bit with one unit: the shares solved beside those of a prototype that was written apart from Memspan."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import memspan
from benchmarks.report import Figure, table
from memspan.claims.measured import Flags, rate, rate_difference
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.tasks.latch import Latch

REPEATS = 30
MODELS: Mapping[str, ModelSpec] = {
    "RNN": RNN(hidden_size=1),
    "LSTM": LSTM(hidden_size=1),
    "chrono LSTM": LSTM(hidden_size=1, initialization="chrono"),
}
LENGTHS = (20, 100, 200)
MORE = ExperimentSpec(tasks=(Latch(),), models=(MODELS["chrono LSTM"],), lengths=(200,), repeats=200, seed=1)
SOLVED = ("success", "success_")
"""how a row names a share and its interval"""


@dataclass(frozen=True)
class Prototype:
    """What the prototype measured over 30 repeats: how many were solved, and their mean accuracy."""

    solved: int
    accuracy: float


CALIBRATION: Mapping[tuple[str, int], Prototype] = {
    ("RNN", 20): Prototype(22, 0.868),
    ("RNN", 100): Prototype(9, 0.650),
    ("RNN", 200): Prototype(5, 0.584),
    ("LSTM", 20): Prototype(13, 0.718),
    ("LSTM", 100): Prototype(2, 0.533),
    ("LSTM", 200): Prototype(0, 0.502),
    ("chrono LSTM", 20): Prototype(28, 0.967),
    ("chrono LSTM", 100): Prototype(22, 0.866),
    ("chrono LSTM", 200): Prototype(21, 0.865),
}


def main() -> str:
    """Share of repeats solved and mean accuracy, each with its 95 % interval."""
    spec = ExperimentSpec(tasks=(Latch(),), models=tuple(MODELS.values()), lengths=LENGTHS, repeats=REPEATS)
    places = [(name, length) for name in MODELS for length in LENGTHS]
    rows = zip(places, memspan.run(spec).conditions, strict=True)
    figures = [figure for place, row in rows for figure in _figures(*place, row)]
    (row,) = memspan.run(MORE).conditions
    figures.append(Figure(f"chrono LSTM, T = 200, {MORE.repeats} repeats of another seed", _told(row, *SOLVED)))
    return table(f"Latch, corrected, one unit, {REPEATS} repeats, Adam 1e-3, 5 epochs, beside a prototype's", figures)


def _figures(name: str, length: int, row: Mapping[str, Any]) -> Iterator[Figure]:
    """What was measured at a place, beside the prototype's."""
    theirs = CALIBRATION[name, length]
    solved = _flags(round(row["success"] * REPEATS))
    yield Figure(f"{name}, T = {length}: share solved", _told(row, *SOLVED), _beside(solved, theirs))
    yield Figure("mean accuracy", _told(row, "mean", ""), f"{theirs.accuracy:.3f}")


def _told(row: Mapping[str, Any], value: str, prefix: str) -> str:
    return f"{row[value]:.3f} [{row[prefix + 'low']:.3f}, {row[prefix + 'high']:.3f}]"


def _beside(solved: Flags, theirs: Prototype) -> str:
    """The prototype's share with its interval, and whether the two samples differ at a level of 5 %."""
    expected = _flags(theirs.solved)
    share, apart = rate(expected), rate_difference(solved, expected)
    word = "agrees" if apart.low <= 0 <= apart.high else "differs"
    return f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]: {word}"


def _flags(solved: int) -> Flags:
    return np.arange(REPEATS) < solved


if __name__ == "__main__":
    print(main())
