"""Success by length: the share of repeats that solved the task, with Wilson's interval."""

from __future__ import annotations

import altair as alt

from memspan.figures.document import Part, Results, Row, entries, finite, of_task
from memspan.figures.naming import Naming, naming
from memspan.figures.panel import Figure, Panel, compose, interval_layers, length_axis, stack, tips, value_axis
from memspan.figures.ranking import ranking
from memspan.figures.reference import reference_layers
from memspan.figures.training_words import after

NOTHING = "No run has finished: nothing is solved or unsolved."


def success(results: Results) -> Figure:
    """Success rate by length with the 50 % rule that the memory span is read at; without lengths, by model."""
    names = naming(results)
    panels = [panel for task in names.tasks if (panel := _panel(results, names, task)) is not None]
    by_length = any(condition.get("length") is not None for condition in entries(results, "conditions"))
    title = "Success by sequence length" if by_length or not panels else "Success"
    return compose(
        panels,
        title,
        "Share of repeats that solved it, 95 % Wilson interval",
        NOTHING,
        after(entries(results, "conditions")),
    )


def _panel(results: Results, names: Naming, task: Part) -> Panel | None:
    every = (_row(condition, names) for condition in of_task(results, "conditions", task))
    rows = [row for row in every if row is not None]
    if not rows:
        return None
    scale, half = alt.Scale(domain=[0, 1]), [{"value": 0.5, "name": "50 %"}]
    if any(row["length"] is None for row in rows):
        return ranking(names.task(task), rows, names.labels, "Success rate", scale, half)
    x = length_axis([row["length"] for row in rows])
    y = value_axis("mean", "Success rate", scale, format=".0%")
    points = interval_layers(rows, x, y, names.labels, tips(".1%", "success"))
    return Panel(names.task(task), stack(*reference_layers(half, scale), *points))


def _row(condition: Part, names: Naming) -> Row | None:
    rate = condition.get("success") or {}
    mean = finite(rate.get("rate"))
    if mean is None or not rate.get("n"):
        return None
    interval = {name: finite(rate.get(name)) for name in ("low", "high")}
    name = names.model(condition["model"])
    return {"model": name, "length": condition.get("length"), "mean": mean, **interval, "n": rate["n"]}
