"""Memory spans on the vertical axis, and the marks of those that lie beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from memspan.figures.document import Part, Results, Row, of_task
from memspan.figures.panel import colour, data, length_scale, length_ticks

SIDES = {"above": "triangle-up", "below": "triangle-down"}
"""where a span lies beyond the tested lengths: an open mark points there"""


def span_axis(results: Results, task: Part, rows: list[Row]) -> alt.Y:
    """Lengths on a logarithmic axis, with room for a mark at either edge."""
    tested = [condition["length"] for condition in of_task(results, "conditions", task) if condition.get("length")]
    lengths = tested or [row["span"] for row in rows]
    axis = alt.Axis(values=length_ticks(lengths), format=",d", title="Memory span (steps)")
    return alt.Y("span:Q", scale=length_scale(lengths), axis=axis)


def beyond(rows: list[Row], x: alt.X, y: alt.Y, labels: list[str], tooltip: Sequence[Any]) -> list[alt.Chart]:
    """Open triangles at the edges of the tested lengths."""
    marks = []
    for side, form in SIDES.items():
        chosen = [row for row in rows if row["censored"] == side]
        chart = alt.Chart(data(chosen)).mark_point(filled=False, size=60, shape=form)
        marks += [chart.encode(x=x, y=y, color=colour(labels), tooltip=tooltip)] if chosen else []
    return marks
