"""A dot with its interval for each model: the form of a score where the task has no length."""

from __future__ import annotations

import altair as alt

from memspan.figures.document import Row
from memspan.figures.line_names import merged
from memspan.figures.panel import Panel, colour, data, model_axis, shape, stack, tips

WORD = 0.2
"""width of a name, as a share of the axis"""


def ranking(name: str, rows: list[Row], labels: list[str], title: str, scale: alt.Scale, lines: list[Row]) -> Panel:
    """Models from top to bottom, their value from left to right, reference values as dashed rules."""
    present = [label for label in labels if any(row["model"] == label for row in rows)]
    value = alt.X("mean:Q", scale=scale, axis=alt.Axis(title=title, tickCount=6))
    low = alt.X("low:Q", scale=scale, title=title)
    chart = alt.Chart(data(rows)).encode(y=model_axis(present), color=colour(labels, legend=False))
    dots = chart.mark_point(filled=True, size=80, opacity=1)
    at = alt.X("value:Q", scale=scale)
    names = alt.Chart(data(merged(lines, scale, WORD, below=True)))
    layers = [
        alt.Chart(data(lines)).mark_rule(style="reference").encode(x=at, tooltip=["name:N", "value:Q"]),
        names.mark_text(align="left", dx=-2, dy=-7).encode(x=at, y=alt.value(0), text="name:N"),
        chart.mark_rule(strokeWidth=2, opacity=0.55).encode(x=low, x2="high:Q"),
        dots.encode(x=value, shape=shape(labels, legend=False), tooltip=tips(".4~g")),
    ]
    return Panel(name, stack(*layers), len(present))
