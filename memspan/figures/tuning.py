"""The choice of learning rates: what the runs validated that serve to choose, and which rate was taken."""

from __future__ import annotations

from typing import Any

import altair as alt

from memspan.figures.document import Part, Results, Row, entries, finite, of_task
from memspan.figures.naming import Naming, naming
from memspan.figures.panel import Figure, Panel, colour, compose, data, shape, stack

NOTHING = "Nothing is tuned, or no run that serves to choose has ended yet."
MOST_LENGTHS = 4
"""panels of one task: of more lengths the first, the last, and some between"""
TOP = 4
"""pixels below the upper edge, where the rates stand by which most runs diverged"""


def tuning(results: Results) -> Figure:
    """The median validation loss over learning rates, a line for each model, the chosen rate marked."""
    names, tried = naming(results), entries(results, "tuning")
    panels = [
        panel
        for task in names.tasks
        for length in _lengths(results, task)
        if (panel := _panel(results, names, task, length)) is not None
    ]
    subtitle = "Median over runs of their own, 95 % interval; rings were chosen, crosses at the top diverged"
    edges = sum(bool(entry.get("at_edge")) for entry in tried)
    note = f"{edges} of {len(tried)} choices lie at the edge of what was tried." if edges else ""
    return compose(panels, "Validation loss by learning rate", subtitle, NOTHING, note)


def _lengths(results: Results, task: Part) -> list[Any]:
    """The lengths at which something was tried, some of many."""
    found = sorted({entry.get("length") for entry in of_task(results, "tuning", task)}, key=lambda at: at or 0)
    if len(found) <= MOST_LENGTHS:
        return found
    step = (len(found) - 1) / (MOST_LENGTHS - 1)
    return [found[round(step * place)] for place in range(MOST_LENGTHS)]


def _panel(results: Results, names: Naming, task: Part, length: int | None) -> Panel | None:
    tried = [entry for entry in of_task(results, "tuning", task) if entry.get("length") == length]
    rows = [row for entry in tried for row in _rows(entry, names)]
    if not rows:
        return None
    name = names.task(task) if length is None else f"{names.task(task)}, length {length}"
    return Panel(name, stack(*_layers(rows, names.labels)))


def _rows(entry: Part, names: Naming) -> list[Row]:
    """One row for each setting of which runs have ended, along the rates with the other numbers as they were chosen."""
    return [_row(entry, score, names) for score in entry["scores"] if score["n"] and _alike(entry, score)]


def _row(entry: Part, score: Part, names: Naming) -> Row:
    loss, low, high = (finite(score[name]) for name in ("median", "low", "high"))
    return {
        "model": names.model(entry["model"]),
        "rate": score["learning_rate"],
        "loss": loss,
        "low": loss if low is None else low,
        "high": loss if high is None else high,
        "chosen": score["learning_rate"] == entry["chosen"],
        "good": f"{score['good']} of {score['n']}",
    }


def _alike(entry: Part, score: Part) -> bool:
    """Whether what is tuned beside the rate is as it was chosen; before, all are shown."""
    setting = entry.get("setting") or {}
    return all(score[name] == value for name, value in setting.items() if name != "learning_rate")


def _layers(rows: list[Row], labels: list[str]) -> list[alt.Chart]:
    told = [row for row in rows if row["loss"] is not None]
    x, y = _rates(rows), _losses(told)
    low = y.copy()
    low.shorthand = "low:Q"
    tooltip = ["model:N", "rate:Q", "loss:Q", alt.Tooltip("good:N", title="good runs")]
    chart = alt.Chart(data(told)).encode(x=x, color=colour(labels))
    chosen = alt.Chart(data([row for row in told if row["chosen"]])).encode(x=x, color=colour(labels))
    return [
        chart.mark_area(opacity=0.12).encode(y=low, y2="high:Q"),
        chart.mark_line(strokeWidth=2).encode(y=y),
        chart.mark_point(filled=True, size=40, opacity=1).encode(y=y, shape=shape(labels), tooltip=tooltip),
        chosen.mark_point(filled=False, size=240, strokeWidth=2, shape="circle").encode(y=y, tooltip=tooltip),
        *_lost([row for row in rows if row["loss"] is None], x, labels),
    ]


def _rates(rows: list[Row]) -> alt.X:
    """A logarithmic axis with a tick at each rate that was tried."""
    axis = alt.Axis(values=sorted({row["rate"] for row in rows}), format="~g", title="Learning rate")
    return alt.X("rate:Q", scale=alt.Scale(type="log"), axis=axis)


def _losses(told: list[Row]) -> alt.Y:
    """A logarithmic axis where no loss is 0."""
    positive = all(row["low"] > 0 for row in told)
    return alt.Y("loss:Q", scale=alt.Scale(type="log" if positive else "symlog"), title="Validation loss")


def _lost(rows: list[Row], x: alt.X, labels: list[str]) -> list[alt.Chart]:
    """Crosses at the upper edge for rates by which at least half of the runs diverged."""
    if not rows:
        return []
    mark = alt.Chart(data(rows)).mark_point(shape="cross", angle=45, size=60, opacity=1)
    return [mark.encode(x=x, y=alt.value(TOP), color=colour(labels), tooltip=["model:N", "rate:Q"])]
