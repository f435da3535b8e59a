"""Time of the fused engine against length, units, batch and repeats: a table, and a picture for the docs."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import altair as alt
import numpy as np

from benchmarks.engine_speed import condition, step_milliseconds
from benchmarks.report import Figure, table
from memspan.engine.condition import Condition
from memspan.engine.placement import place
from memspan.engine.trainer import Trainer
from memspan.figures.drawing import drawn

PICTURE = Path("docs/images/engine-scaling.png")
CELLS = ("rnn", "lstm", "gru")
LENGTH, BATCH, MEMBERS = 100, 16, 30
SECONDS = 0.6
"""for which each point is timed"""
Measure = Callable[[str, int], float]
"""(cell, how much of it) -> milliseconds"""


@dataclass(frozen=True)
class Axis:
    """One thing that grows while all others stay.

    Attributes:
        unit: of what is measured.
        power: highest power of the values in the work itself.
    """

    name: str
    values: tuple[int, ...]
    unit: str
    measure: Measure
    power: int = 1


@dataclass(frozen=True)
class Point:
    axis: Axis
    cell: str
    value: int
    milliseconds: float


def main(quick: bool = False) -> str:
    """Measure all axes, draw them, and say how far from straight they are."""
    points = [
        Point(axis, cell, value, axis.measure(cell, value))
        for axis in AXES
        for cell in (CELLS[:1] if quick else CELLS)
        for value in (axis.values[-2:] if quick else axis.values)
    ]
    if not quick:
        PICTURE.write_bytes(drawn(chart(points).to_dict(), "png"))
    figures = [_row(axis, [point for point in points if point.axis == axis]) for axis in AXES]
    return table(f"Time grows with the work ({PICTURE})", figures)


def _step(asked: Condition) -> float:
    return step_milliseconds(asked, MEMBERS, SECONDS)


def _by_length(cell: str, length: int) -> float:
    return _step(condition({"kind": "latch"}, {"kind": cell}, length, BATCH))


def _by_size(cell: str, size: int) -> float:
    return _step(condition({"kind": "latch"}, {"kind": cell, "hidden_size": size}, LENGTH, BATCH))


def _by_batch(cell: str, batch: int) -> float:
    return _step(condition({"kind": "latch"}, {"kind": cell}, LENGTH, batch, train_size=100 * batch))


def _by_repeats(cell: str, repeats: int) -> float:
    """A whole epoch of a stack, validation included: the best of three."""
    asked = condition({"kind": "latch"}, {"kind": cell}, LENGTH, BATCH, epochs=1, train_size=800)
    return min(_trained(asked, repeats) for _ in range(3))


def _trained(asked: Condition, repeats: int) -> float:
    trainer, begun = Trainer(place(asked, engine="fused"), range(repeats)), time.process_time()
    for _ in trainer.events():
        pass
    return 1000 * (time.process_time() - begun)


AXES = (
    Axis("time steps T", (10, 20, 50, 100, 200, 400), "core-ms of an optimiser step", _by_length),
    Axis("units H", (1, 2, 4, 8, 16), "core-ms of an optimiser step", _by_size, power=2),
    Axis("batch B", (16, 32, 64, 128, 256), "core-ms of an optimiser step", _by_batch),
    Axis("repeats", (1, 2, 5, 10, 20, 30), "core-ms of an epoch of all of them", _by_repeats),
)  # fmt: skip


def _row(axis: Axis, points: list[Point]) -> Figure:
    """How far from a straight line the times are; with units, from a parabola."""
    words = []
    for cell in dict.fromkeys(point.cell for point in points):
        own = [point for point in points if point.cell == cell]
        words.append(f"{cell} {_deviation(own):.0f} % ({own[0].milliseconds:.3g} to {own[-1].milliseconds:.3g} ms)")
    line = "a straight line" if axis.power == 1 else "a parabola: each unit sees all others"
    return Figure(f"{axis.name}, {axis.values[0]} to {axis.values[-1]}", f"farthest from it: {', '.join(words)}", line)


def _deviation(points: list[Point]) -> float:
    """Per cent between a measured time and the nearest polynomial of the axis' power, at most."""
    values, times = (np.array([getattr(point, name) for point in points]) for name in ("value", "milliseconds"))
    nearest = np.polyval(np.polyfit(values, times, points[0].axis.power, w=1 / times), values)
    return float(100 * np.max(np.abs(nearest / times - 1)))


def chart(points: list[Point]) -> alt.HConcatChart:
    """A panel for each axis: measured points, and a dashed straight line through the largest."""
    return alt.hconcat(*(_panel(axis, [point for point in points if point.axis == axis]) for axis in AXES))


def _panel(axis: Axis, points: list[Point]) -> alt.LayerChart:
    rows = [{"cell": point.cell, "value": point.value, "ms": point.milliseconds} for point in points]
    last = {point.cell: point for point in points if point.value == axis.values[-1]}
    lines = [
        {"cell": cell, "value": value, "ms": end.milliseconds * value / end.value}
        for cell, end in last.items()
        for value in (axis.values[0], axis.values[-1])
    ]
    scale = alt.Scale(type="log", nice=False)
    x = alt.X("value:Q", title=axis.name, scale=scale, axis=alt.Axis(values=list(axis.values), format="d"))
    y = alt.Y("ms:Q", title=axis.unit, scale=alt.Scale(type="log"))
    colour = alt.Color("cell:N", title=None, scale=alt.Scale(range=["#0072b2", "#d55e00", "#009e73"]))
    straight = alt.Chart(alt.InlineData(lines)).mark_line(strokeDash=[4, 4], opacity=0.6).encode(x, y, colour)
    measured = alt.Chart(alt.InlineData(rows)).mark_point(filled=True, size=45).encode(x, y, colour)
    return alt.LayerChart(layer=[straight, measured], width=190, height=190)


if __name__ == "__main__":
    print(main())
