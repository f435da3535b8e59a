"""Comparisons of models as a forest plot: of their memory spans, or of their scores where a task has no length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from memspan.figures.document import Part, Results, Row, entries, finite, of_task
from memspan.figures.naming import Naming, naming
from memspan.figures.panel import Figure, Panel, compose, data, stack
from memspan.figures.training_words import after

NOTHING = "No ratio is known: it needs two models with finished runs, not both beyond the tested lengths."
MARGIN = 1.25
"""times the outermost number at which an axis of ratios ends: open intervals run up to there"""
ARROWS = {"at_least": "▶ or more", "at_most": "◀ or less"}


def comparison(results: Results) -> Figure:
    """A row for each pair: how many times as far the first remembers, with its 95 % interval; filled where certain."""
    names = naming(results)
    panels = [panel for task in names.tasks if (panel := _panel(results, names, task)) is not None]
    subtitle = "First over second, 95 % interval; filled where Holm's p is below .05"
    return compose(panels, "Comparisons", subtitle, NOTHING, after(entries(results, "conditions")))


def _panel(results: Results, names: Naming, task: Part) -> Panel | None:
    every = of_task(results, "comparisons", task)
    spans = [each for each in every if each["metric"] == "span"]
    chosen = spans or [each for each in every if each["metric"].startswith("test")]
    rows = [row for each in chosen if (row := _row(each, names)) is not None]
    if not rows:
        return None
    title = "Ratio of memory spans" if spans else "Ratio of scores"
    return Panel(names.task(task), stack(*_layers(rows, title)), len(rows))


def _row(entry: Part, names: Naming) -> Row | None:
    """None where nothing is known of the ratio."""
    value = finite(entry.get("ratio"))
    if value is None or value <= 0:
        return None
    low, high = finite(entry.get("ratio_low")), finite(entry.get("ratio_high"))
    first, second = (names.model(_model(entry[name])) for name in ("a", "b"))
    return {
        "pair": f"{first} / {second}",
        "model": first,
        "other": second,
        "value": value,
        "low": low if low else None,
        "high": high,
        "certain": (finite(entry.get("adjusted_p")) or 1.0) < 0.05 if entry.get("adjusted_p") is not None else False,
        "note": ARROWS.get(entry.get("bound") or "", ""),
        "sentence": entry.get("sentence", ""),
        "n": entry.get("n"),
    }


def _model(named: Part) -> Part:
    """Of several experiments a contestant names its own."""
    model: Part = named.get("model", named)
    return model


def _layers(rows: list[Row], title: str) -> list[alt.Chart]:
    seen = [row[name] for row in rows for name in ("value", "low", "high") if row[name]] + [1.0]
    least, most = min(seen) / MARGIN, max(seen) * MARGIN
    drawn = [{**row, "low": row["low"] or least, "high": row["high"] or most} for row in rows if row["n"] != 1]
    x = alt.X("value:Q", scale=alt.Scale(type="log", domain=[least, most], nice=False), axis=_axis(title))
    low = x.copy()
    low.shorthand = "low:Q"
    y = alt.Y("pair:N", sort=[row["pair"] for row in rows], axis=alt.Axis(title=None, ticks=False, labelLimit=240))
    equal = alt.Chart(data([{"value": 1.0}])).mark_rule(style="reference").encode(x=x)
    return [
        equal,
        alt.Chart(data(drawn)).mark_rule(strokeWidth=3, opacity=0.5).encode(y=y, x=low, x2="high:Q"),
        *(_points(rows, certain, x, y) for certain in (True, False) if _of(rows, certain)),
        alt.Chart(data(rows)).mark_text(dy=-10).encode(y=y, x=x, text="note:N"),
    ]


def _axis(title: str) -> alt.Axis:
    return alt.Axis(title=title, format="~g", labelOverlap="greedy", grid=False)


def _of(rows: Sequence[Row], certain: bool) -> list[Row]:
    return [row for row in rows if row["certain"] == certain]


def _points(rows: Sequence[Row], certain: bool, x: alt.X, y: alt.Y) -> alt.Chart:
    """Dots, hollow where the two can't be told apart."""
    tooltip: list[Any] = [alt.Tooltip("sentence:N", title="answer"), "n:Q"]
    chart: alt.Chart = alt.Chart(data(_of(rows, certain))).mark_point(filled=certain, size=90, opacity=1)
    return chart.encode(y=y, x=x, tooltip=tooltip)
