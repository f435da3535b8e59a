"""The memory span against the one number in which models differ."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from memspan.figures.document import Part, Results, Row, entries, finite
from memspan.figures.naming import Naming
from memspan.figures.number_axis import NumberAxis
from memspan.figures.panel import Figure, Panel, colour, compose, data, length_scale, length_ticks, shape, stack
from memspan.figures.span_axis import beyond, span_axis
from memspan.figures.training_words import after
from memspan.statistics import notation

MANY_TIMES = 4.0
"""times the least number, from which on the axis is logarithmic"""


def span_by_number(results: Results, names: Naming, spans: Sequence[Part], axis: NumberAxis, nothing: str) -> Figure:
    """A line for each kind of model, a point with its interval for each number."""
    rows = [(entry["task"], row) for entry in spans if (row := _row(entry, axis, spans)) is not None]
    panels = [
        Panel(names.task(task), stack(*_layers(results, task, own, axis)))
        for task in names.tasks
        if (own := [row for of, row in rows if of == task])
    ]
    subtitle = "Length solved by half of the repeats, 95 % interval; open triangles lie beyond the tested lengths"
    title = f"Memory span by {axis.title[:1].lower()}{axis.title[1:]}"
    return compose(panels, title, subtitle, nothing, after(entries(results, "conditions")))


def _row(entry: Part, axis: NumberAxis, spans: Sequence[Part]) -> Row | None:
    at, place = finite(entry.get("span")), axis.place_of(spans, entry)
    if at is None:
        return None
    low, high = (finite(entry.get(name)) for name in ("low", "high"))  # one repeat has none
    return {
        "model": place.line,
        "number": place.number,
        "span": at,
        "low": at if low is None else low,
        "high": at if high is None else high,
        "censored": entry.get("censored"),
        "longest_solved": entry.get("longest_solved"),
        "written": str(notation.span_with_interval(entry)),
    }


def _layers(results: Results, task: Part, rows: list[Row], axis: NumberAxis) -> list[alt.Chart]:
    x, y = _number_axis(axis), span_axis(results, task, rows)
    low = y.copy()
    low.shorthand = "low:Q"
    tooltip = [
        "model:N",
        alt.Tooltip("number:Q", title=axis.title),
        alt.Tooltip("written:N", title="span"),
        "longest_solved:Q",
    ]
    chart = alt.Chart(data(rows)).encode(x=x, color=colour(axis.lines))
    inside = alt.Chart(data([row for row in rows if row["censored"] is None])).encode(x=x, color=colour(axis.lines))
    return [
        chart.mark_rule(strokeWidth=2, opacity=0.5).encode(y=low, y2="high:Q"),
        chart.mark_line(strokeWidth=2, opacity=0.85).encode(y=y),
        inside.mark_point(filled=True, size=60, opacity=1).encode(y=y, shape=shape(axis.lines), tooltip=tooltip),
        *beyond(rows, x, y, axis.lines, tooltip),
    ]


def _number_axis(axis: NumberAxis) -> alt.X:
    """Ticks at the numbers that there are; logarithmic where they lie far apart."""
    numbers = [place.number for place in axis.places]
    low, high = min(numbers), max(numbers)
    far = low > 0 and high >= MANY_TIMES * low
    margin = 0.04 * (high - low)
    scale = length_scale(numbers) if far else alt.Scale(domain=[low - margin, high + margin], nice=False, zero=False)
    ticks = length_ticks(numbers) if far else sorted(set(numbers))
    drawn = alt.Axis(values=ticks, format="~g" if high < 1 else ",~r", labelOverlap="greedy", grid=False)
    drawn.title = axis.title
    return alt.X("number:Q", scale=scale, axis=drawn)
