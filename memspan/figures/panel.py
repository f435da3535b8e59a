"""What the figures share: axes, the model's colour and shape, and how panels become one figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import altair as alt

from memspan.figures.document import Row

Figure: TypeAlias = alt.Chart | alt.LayerChart | alt.ConcatChart

WIDE, HIGH = 600, 300  # pixels of a figure of one panel
NARROW, LOW = 360, 230  # pixels of each of several
COLUMNS = 2
ROW = 44  # pixels of a model in a figure with a row for each
MOST_TICKS = 14


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart and what it is of; ``rows`` is given where its height is a number of models."""

    name: str
    chart: alt.LayerChart
    rows: int | None = None


def data(rows: list[Row]) -> alt.Data:
    """Rows inline: a figure needs no other file."""
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def colour(labels: list[str], legend: bool = True) -> alt.Color:
    """The model's colour; the whole domain is given so that it is the same in every figure."""
    return alt.Color("model:N", scale=alt.Scale(domain=labels), legend=alt.Legend(title=None) if legend else None)


def shape(labels: list[str], legend: bool = True) -> alt.Shape:
    """The model's shape, beside its colour, for eyes and printers that don't tell the colours apart."""
    return alt.Shape("model:N", scale=alt.Scale(domain=labels), legend=alt.Legend(title=None) if legend else None)


def length_axis(lengths: Sequence[float], field: str = "length", title: str = "Sequence length (steps)") -> alt.X:
    """Lengths on a logarithmic axis with ticks at lengths that were tested."""
    axis = alt.Axis(values=length_ticks(lengths), format=",d", labelOverlap="greedy", grid=False, title=title)
    return alt.X(f"{field}:Q", scale=length_scale(lengths), axis=axis)


def length_scale(lengths: Sequence[float]) -> alt.Scale:
    """A logarithmic scale with some room at either end."""
    low, high = min(lengths), max(lengths)
    margin = (high / low) ** 0.04 if high > low else 1.5
    return alt.Scale(type="log", domain=[low / margin, high * margin], nice=False)


def model_axis(labels: list[str]) -> alt.Y:
    """A row for each model, named at the left, so that no legend is needed."""
    return alt.Y("model:N", sort=labels, axis=alt.Axis(title=None, grid=True, ticks=False, labelLimit=160))


def value_axis(field: str, title: str, scale: alt.Scale, **axis: Any) -> alt.Y:
    """A quantity on the vertical axis."""
    return alt.Y(f"{field}:Q", scale=scale, axis=alt.Axis(title=title, tickCount=6, **axis))


def tips(number: str, mean: str = "mean") -> list[alt.Tooltip]:
    """What pointing at a dot tells; ``number`` is the format of its values."""
    named = [alt.Tooltip("mean:Q", title=mean, format=number)]
    bounds = [alt.Tooltip(f"{name}:Q", format=number) for name in ("low", "high")]
    return [alt.Tooltip("model:N"), alt.Tooltip("length:Q"), *named, *bounds, alt.Tooltip("n:Q", title="repeats")]


def interval_layers(
    rows: list[Row], x: alt.X, y: alt.Y, labels: list[str], tooltip: list[alt.Tooltip]
) -> list[alt.Chart]:
    """A line of means with points and a bar from ``low`` to ``high`` at each, one colour and shape a model."""
    chart = alt.Chart(data(rows)).encode(x=x, color=colour(labels))
    bars = [row for row in rows if row["low"] is not None and row["high"] is not None]
    bar = alt.Chart(data(bars)).mark_rule(strokeWidth=1.5, opacity=0.55)
    low = y.copy()
    low.shorthand = "low:Q"
    return [
        bar.encode(x=x, y=low, y2="high:Q", color=colour(labels)),
        chart.mark_line(strokeWidth=2, opacity=0.85).encode(y=y),
        chart.mark_point(filled=True, size=55, opacity=1).encode(y=y, shape=shape(labels), tooltip=tooltip),
    ]


def stack(*layers: alt.Chart) -> alt.LayerChart:
    """Layers over each other, the first at the bottom."""
    return alt.LayerChart(layer=list(layers))


def compose(panels: Sequence[Panel], title: str, subtitle: str, nothing: str, trained: str = "") -> Figure:
    """One figure of the panels, in columns if there are several; without any, an empty one that says why.

    Args:
        trained: what the numbers were trained by, a line of its own.
    """
    if not panels:
        return sentence(nothing, alt.TitleParams(text=title))
    if len(panels) == 1:
        heading = alt.TitleParams(text=title, subtitle=_lines(f"{panels[0].name} · {subtitle}", trained))
        return _sized(panels[0], WIDE, HIGH, heading)
    small = [_sized(panel, NARROW, LOW, alt.TitleParams(text=panel.name, fontSize=12)) for panel in panels]
    return alt.concat(*small, columns=COLUMNS, title=alt.TitleParams(text=title, subtitle=_lines(subtitle, trained)))


def _lines(subtitle: str, trained: str) -> str | list[str]:
    return [subtitle, trained[0].upper() + trained[1:]] if trained else subtitle


def sentence(text: str, heading: alt.TitleParams) -> alt.Chart:
    """An empty figure that says why it is empty."""
    chart = alt.Chart(data([{"text": text}])).mark_text(align="center", fontSize=13)
    empty: alt.Chart = chart.encode(text="text:N").properties(width=WIDE, height=80, title=heading)
    return empty


def _sized(panel: Panel, width: int, height: int, title: alt.TitleParams) -> alt.LayerChart:
    return panel.chart.properties(width=width, height=height if panel.rows is None else ROW * panel.rows, title=title)


def length_ticks(lengths: Sequence[float]) -> list[float]:
    """Tested lengths for the ticks, no two of them so near that their labels would touch."""
    distinct = sorted(set(lengths))
    nearest = (distinct[-1] / distinct[0]) ** (1 / MOST_TICKS)
    ticks = distinct[:1]
    for length in distinct[1:]:
        if length >= ticks[-1] * nearest:
            ticks.append(length)
    return ticks
