"""The memory span of each model with its interval."""

from __future__ import annotations

from typing import Literal

import altair as alt

from memspan.figures.document import Part, Results, Row, entries, finite, of_task
from memspan.figures.naming import Naming, naming
from memspan.figures.number_axis import number_axis
from memspan.figures.panel import Figure, Panel, colour, compose, data, length_axis, model_axis, shape, stack
from memspan.figures.span_by_number import span_by_number
from memspan.figures.training_words import after
from memspan.statistics import notation

NOTHING = "No memory span yet: it needs finished runs at one length or more."
ARROWS = {"above": "▶ beyond the longest tested", "below": "◀ below the shortest tested"}


def span(results: Results) -> Figure:
    """Horizontal: the span as a dot on its interval, an arrow where it lies beyond the tested lengths.

    Models that differ in one number are lines against it instead.
    """
    names, spans = naming(results), entries(results, "spans")
    axis = number_axis(spans)
    if axis is not None:
        return span_by_number(results, names, spans, axis, NOTHING)
    panels = [panel for task in names.tasks if (panel := _panel(results, names, task)) is not None]
    subtitle = "Length solved by half of the repeats, 95 % interval; the tick is the longest length solved"
    return compose(panels, "Memory span", subtitle, NOTHING, after(entries(results, "conditions")))


def _panel(results: Results, names: Naming, task: Part) -> Panel | None:
    rows = [row for entry in of_task(results, "spans", task) if (row := _row(entry, names)) is not None]
    if not rows:
        return None
    tested = [condition["length"] for condition in of_task(results, "conditions", task) if condition.get("length")]
    drawn = [row[name] for row in rows for name in ("span", "low", "high")]
    x = length_axis(tested or drawn, "span", "Memory span (steps)")
    present = [name for name in names.labels if any(row["model"] == name for row in rows)]
    return Panel(names.task(task), stack(*_layers(rows, x, names.labels, present)), len(present))


def _row(entry: Part, names: Naming) -> Row | None:
    at = finite(entry.get("span"))
    if at is None:
        return None
    ends = {name: finite(entry.get(name)) for name in ("low", "high")}  # one repeat has none
    numbers = {"span": at, **{name: at if end is None else end for name, end in ends.items()}}
    censored = entry.get("censored")
    facts = {
        "longest_solved": entry.get("longest_solved"),
        "censored": censored,
        "interval": notation.span_with_interval(entry).interval,
        "note": ARROWS.get(censored or "", ""),
    }
    return {"model": names.model(entry["model"]), **numbers, **facts}


def _layers(rows: list[Row], x: alt.X, labels: list[str], present: list[str]) -> list[alt.Chart]:
    names = model_axis(present)
    low, solved = x.copy(), x.copy()
    low.shorthand, solved.shorthand = "low:Q", "longest_solved:Q"
    chart = alt.Chart(data(rows)).encode(y=names, color=colour(labels, legend=False))
    tooltip = ["model:N", alt.Tooltip("span:Q", format=".3~g"), "interval:N"]
    tick = alt.Chart(data([row for row in rows if row["longest_solved"] is not None])).encode(y=names)
    return [
        tick.mark_tick(thickness=2, size=16).encode(x=solved),
        chart.mark_rule(strokeWidth=3, opacity=0.5).encode(x=low, x2="high:Q"),
        chart.mark_point(filled=True, size=90, opacity=1).encode(
            x=x, shape=shape(labels, legend=False), tooltip=[*tooltip, "longest_solved:Q", "censored:N"]
        ),
        *_arrows(rows, x, names),
    ]


def _arrows(rows: list[Row], x: alt.X, names: alt.Y) -> list[alt.Chart]:
    """Words beside the dots at the edges of the grid, on the inner side."""
    arrows = []
    sides: list[tuple[str, Literal["left", "right"], int]] = [("above", "right", -10), ("below", "left", 10)]
    for censored, align, away in sides:
        chosen = [row for row in rows if row["censored"] == censored]
        text = alt.Chart(data(chosen)).mark_text(align=align, dx=away, dy=-10)
        arrows += [text.encode(x=x, y=names, text="note:N")] if chosen else []
    return arrows
