"""Span against budget: how the memory span of each model grew while it was trained."""

from __future__ import annotations

import altair as alt

from memspan.figures.document import Part, Results, Row, entries, finite, of_task
from memspan.figures.naming import Naming, naming
from memspan.figures.panel import Figure, Panel, colour, compose, data, length_axis, shape, stack
from memspan.figures.span_axis import beyond, span_axis
from memspan.figures.training_words import enough
from memspan.statistics import notation

NOTHING = "No span against budget yet: it needs finished runs at one length or more."


def budget(results: Results) -> Figure:
    """The span as a line over optimiser steps, its 95 % interval as a band: whether the order of models may change."""
    names = naming(results)
    panels = [panel for task in names.tasks if (panel := _panel(results, names, task)) is not None]
    subtitle = "Had training ended there, 95 % interval; open triangles lie beyond the tested lengths"
    trained = enough(entries(results, "conditions"), "these spans")
    return compose(panels, "Memory span by budget", subtitle, NOTHING, trained)


def _panel(results: Results, names: Naming, task: Part) -> Panel | None:
    rows = [row for entry in of_task(results, "spans", task) for row in _rows(entry, names)]
    if not rows:
        return None
    x = length_axis([row["steps"] for row in rows], "steps", "Optimiser steps")
    y = span_axis(results, task, rows)
    return Panel(names.task(task), stack(*_layers(rows, x, y, names.labels)))


def _rows(entry: Part, names: Naming) -> list[Row]:
    found = []
    for point in entry.get("by_budget") or []:
        at = finite(point.get("span"))
        if at is not None:
            low, high = (finite(point.get(name)) for name in ("low", "high"))
            found.append(
                {
                    "model": names.model(entry["model"]),
                    "steps": point["steps"],
                    "span": at,
                    "low": at if low is None else low,
                    "high": at if high is None else high,
                    "censored": point.get("censored"),
                    "written": str(notation.span_with_interval(point)),
                }
            )
    return found


def _layers(rows: list[Row], x: alt.X, y: alt.Y, labels: list[str]) -> list[alt.Chart]:
    low = y.copy()
    low.shorthand = "low:Q"
    tooltip = ["model:N", alt.Tooltip("steps:Q", format=",d"), alt.Tooltip("written:N", title="span")]
    chart = alt.Chart(data(rows)).encode(x=x, color=colour(labels))
    inside = alt.Chart(data([row for row in rows if row["censored"] is None])).encode(x=x, color=colour(labels))
    return [
        chart.mark_area(opacity=0.12).encode(y=low, y2="high:Q"),
        chart.mark_line(strokeWidth=2).encode(y=y),
        inside.mark_point(filled=True, size=45, opacity=1).encode(y=y, shape=shape(labels), tooltip=tooltip),
        *beyond(rows, x, y, labels, tooltip),
    ]
