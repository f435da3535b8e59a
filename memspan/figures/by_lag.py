"""Accuracy by lag: how well each model answers what was shown how many steps ago."""

from __future__ import annotations

import altair as alt

from memspan.figures.document import Part, Results, Row, entries, finite, of_task, spread
from memspan.figures.naming import Naming, naming
from memspan.figures.panel import Figure, Panel, colour, compose, data, shape, stack, value_axis
from memspan.figures.range import accuracy_scale
from memspan.figures.training_words import after

NOTHING = "No task here tells how long ago was shown what it asks for, or no run has finished."
MOST_LENGTHS = 4


def by_lag(results: Results) -> Figure:
    """A panel for each task and a few lengths: mean over runs with its 95 % interval; dashed what a window allows."""
    names = naming(results)
    panels = [panel for task in names.tasks for panel in _panels(results, names, task)]
    subtitle = "Mean and 95 % interval over repeats; dashed: at most possible with the steps that a model sees"
    return compose(panels, "Accuracy by lag", subtitle, NOTHING, after(entries(results, "conditions")))


def _panels(results: Results, names: Naming, task: Part) -> list[Panel]:
    told = [condition for condition in of_task(results, "conditions", task) if condition.get("by_lag")]
    lengths = spread(sorted({each["length"] for each in told if each["length"] is not None}), MOST_LENGTHS)
    panels = []
    for length in lengths or ([None] if told else []):
        rows = [row for each in told if each["length"] == length for row in _rows(each, names)]
        name = names.task(task) if length is None else f"{names.task(task)}, length {length:,}"
        panels += [Panel(name, _chart(rows, names.labels))] if rows else []
    return panels


def _rows(condition: Part, names: Naming) -> list[Row]:
    """The bins with a finite accuracy."""
    found = condition["by_lag"]
    rows = []
    for number, lag in enumerate(found["lag"]):
        ends = (found[name][number] if found.get(name) else None for name in ("low", "high", "bound"))
        mean, low, high, bound = map(finite, (found["accuracy"][number], *ends))
        if mean is not None:
            first, last = found["first"][number], found["last"][number]
            lags = str(first) if first == last else f"{first} to {last}"
            rows.append(
                {
                    "model": names.model(condition["model"]),
                    "lag": lag,
                    "lags": lags,
                    "mean": mean,
                    "low": low,
                    "high": high,
                    "bound": bound,
                    "asked": found["asked"][number],
                    "n": found["n"],
                }
            )
    return rows


def _chart(rows: list[Row], labels: list[str]) -> alt.LayerChart:
    seen = [row[name] for row in rows for name in ("mean", "low", "high", "bound") if row[name] is not None]
    axis = alt.Axis(title="Lag (steps since it was shown)", grid=False, format="~g", labelOverlap="greedy")
    x = alt.X("lag:Q", scale=alt.Scale(type="symlog", nice=False), axis=axis)
    y = value_axis("mean", "Test accuracy", accuracy_scale(seen))
    low, bound = y.copy(), y.copy()
    low.shorthand, bound.shorthand = "low:Q", "bound:Q"
    numbers = [alt.Tooltip(f"{name}:Q", format=".4~g") for name in ("mean", "low", "high", "bound")]
    tooltip = ["model:N", "lags:N", *numbers, alt.Tooltip("asked:Q", format=",d"), alt.Tooltip("n:Q", title="repeats")]
    chart = alt.Chart(data(rows)).encode(x=x, color=colour(labels))
    banded = alt.Chart(data([row for row in rows if row["low"] is not None])).encode(x=x, color=colour(labels))
    limits = alt.Chart(data([row for row in rows if row["bound"] is not None])).encode(x=x, color=colour(labels))
    return stack(
        banded.mark_area(opacity=0.15).encode(y=low, y2="high:Q"),
        limits.mark_line(strokeDash=[5, 4], strokeWidth=1.5, interpolate="step").encode(y=bound),
        chart.mark_line(strokeWidth=2).encode(y=y),
        chart.mark_point(filled=True, size=45, opacity=1).encode(y=y, shape=shape(labels), tooltip=tooltip),
    )
