"""How long a peer needs for a whole study: measured at some lengths, added up over all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import peer
from benchmarks.peer import Measured
from benchmarks.workload import Workload

Run = Callable[[str, Sequence[Workload]], list[Measured]]


@dataclass(frozen=True)
class Extent:
    """What a study trains: each cell at each length, all repeats.

    Attributes:
        points: lengths at which peers are timed.
        load: of one of them; cell and length are filled in.
    """

    cells: tuple[str, ...]
    lengths: tuple[int, ...]
    points: tuple[int, ...]
    epochs: int
    steps_per_epoch: int
    test_size: int
    load: Workload

    def loads(self, **changes: int) -> list[Workload]:
        """One for each cell and point."""
        plain = vars(self.load) | changes
        return [Workload(**plain | {"cell": cell, "length": point}) for cell in self.cells for point in self.points]

    def added_up(self, seconds: Sequence[float]) -> float:
        """Seconds of all conditions from those at the points of each cell, by straight lines between them."""
        each: list[list[float]] = np.reshape(seconds, (len(self.cells), len(self.points))).tolist()
        return sum(_between(length, self.points, row) for row in each for length in self.lengths)


def _between(length: int, points: Sequence[int], values: Sequence[float]) -> float:
    """On the line through the two nearest points; below the first, on that of the first two."""
    right = min(max(int(np.searchsorted(points, length)), 1), len(points) - 1)
    x0, x1, y0, y1 = points[right - 1], points[right], values[right - 1], values[right]
    return max(y0 + (y1 - y0) * (length - x0) / (x1 - x0), min(values))


def jax_alone(extent: Extent) -> float:
    """Seconds by one process, compilation included: once for each shape."""
    found = peer.alone("against_jax", extent.loads())
    return extent.added_up([each["compile_s"] + run_seconds(extent, each) for each in found])


def jax_side_by_side(extent: Extent) -> float:
    """Seconds by two processes of one core that share the conditions evenly, compilation included."""
    found = peer.side_by_side("against_jax", extent.loads())
    return extent.added_up([each["compile_s"] + run_seconds(extent, each) for each in found]) / peer.WORKERS


def run_seconds(extent: Extent, found: Measured) -> float:
    """Seconds of a condition: all steps of all epochs, a validation after each, the test."""
    validation = found["score_ms"] / 1000
    test = validation * extent.test_size / extent.load.score_size
    return extent.epochs * (extent.steps_per_epoch * found["step_ms"] / 1000 + validation) + test


def torch_side_by_side(extent: Extent, steps: int) -> float:
    """Seconds by torch's layers, one model after another, in two processes of one core."""
    found = peer.side_by_side("against_torch", extent.loads(steps=steps))
    return extent.added_up([extent.load.repeats * run_seconds(extent, each) for each in found]) / peer.WORKERS


def keras_seconds(extent: Extent, run: Run) -> float:
    """Seconds by Keras, one model after another in one process; epochs with validation only, tracing and test not."""
    found = run("against_keras", extent.loads())
    return extent.added_up([extent.load.repeats * extent.epochs * each["epoch_s"] for each in found])
