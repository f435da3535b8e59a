"""Learning curves: a validation metric by epoch, averaged over repeats."""

from __future__ import annotations

import altair as alt

from memspan.figures.document import Part, Results, Row, finite, of_task, spread
from memspan.figures.naming import Naming, naming
from memspan.figures.panel import Figure, Panel, colour, compose, data, stack, value_axis
from memspan.figures.range import accuracy_scale, loss_axis, loss_scale

NOTHING = "No epoch has been evaluated yet."
MOST_LENGTHS = 4
PREFERENCE = [("validation", "accuracy"), ("validation", "loss"), ("train", "accuracy"), ("train", "loss")]


def learning(results: Results) -> Figure:
    """A panel for each of a few lengths: the mean as a line, its 95 % interval as a band."""
    names = naming(results)
    panels = [panel for task in names.tasks for panel in _panels(results, names, task)]
    return compose(panels, "Learning curves", "Mean and 95 % interval over repeats", NOTHING)


def _panels(results: Results, names: Naming, task: Part) -> list[Panel]:
    every = of_task(results, "learning", task)
    kinds = [kind for kind in PREFERENCE if any((series["split"], series["name"]) == kind for series in every)]
    if not kinds:
        return []
    split, name = kinds[0]
    chosen = [series for series in every if (series["split"], series["name"]) == (split, name)]
    rows = [row | {"length": series["length"]} for series in chosen for row in _rows(series, names)]
    if not rows:
        return []
    lengths = sorted({row["length"] for row in rows if row["length"] is not None})
    axis = _axis(f"{split} {name}".capitalize(), name, rows)
    return [
        _panel(names, _name(names, task, length), [row for row in rows if row["length"] == length], axis)
        for length in (spread(lengths, MOST_LENGTHS) or [None])
    ]


def _name(names: Naming, task: Part, length: int | None) -> str:
    return names.task(task) if length is None else f"{names.task(task)}, length {length:,}"


def _axis(title: str, name: str, rows: list[Row]) -> alt.Y:
    """One range for all panels of a task, so that their heights compare."""
    seen = [row[bound] for row in rows for bound in ("low", "mean", "high")]
    if name == "loss":
        return value_axis("mean", title, loss_scale(seen), **loss_axis(seen))
    return value_axis("mean", title, accuracy_scale(seen))


def _rows(series: Part, names: Naming) -> list[Row]:
    """The finite points; a loss that is not positive has no place on its logarithmic axis."""
    least = 0.0 if series["name"] == "loss" else -1.0
    name = names.model(series["model"])
    points = zip(series["epochs"], series["mean"], series["low"], series["high"], strict=True)
    rows = []
    for epoch, *numbers in points:
        mean, low, high = map(finite, numbers)
        if mean is not None and mean > least:
            banded = low is not None and high is not None and low > least
            band = {"low": low, "high": high} if banded else {"low": mean, "high": mean}
            rows.append({"model": name, "epoch": epoch, "mean": mean, **band, "n": series.get("n")})
    return rows


def _panel(names: Naming, name: str, rows: list[Row], y: alt.Y) -> Panel:
    low = y.copy()
    low.shorthand = "low:Q"
    epochs = alt.X("epoch:Q", axis=alt.Axis(title="Epoch", tickMinStep=1, grid=False, format=",d"))
    chart = alt.Chart(data(rows)).encode(x=epochs, color=colour(names.labels))
    tooltip = ["model:N", "epoch:Q", *(alt.Tooltip(f"{part}:Q", format=".4~g") for part in ("mean", "low", "high"))]
    band = chart.mark_area(opacity=0.15).encode(y=low, y2="high:Q")
    line = chart.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=22)).encode(y=y, tooltip=[*tooltip, "n:Q"])
    return Panel(name, stack(band, line))
