"""Loss landscapes: each a map of heights with a cross where the weights stand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import altair as alt

from memspan.figures.document import Part, Results, Row, entries, finite, spread
from memspan.figures.label import probe_label
from memspan.figures.naming import Naming, naming
from memspan.figures.panel import Figure, Panel, compose, data, stack
from memspan.figures.range import loss_axis

NOTHING = "No loss landscape has been measured yet."
MOST_PANELS = 12
MOST_CELLS, FEW_CELLS = 60, 40  # along an axis, of one panel and of each of several
WIDE_RANGE = 30  # from lowest to highest; beyond it colours follow the logarithm
OVERLAP = 0.2  # of a cell
DEEPEST = 1_000  # times below the highest that the logarithm goes
COLOURS: Literal["viridis"] = "viridis"  # for all kinds of colour vision, and readable on either ground

Range = tuple[float, float]


def landscape(results: Results) -> Figure:
    """A panel for each surface; those of one task share their colours, so that walls compare."""
    every = [entry for entry in entries(results, "probes") if (entry.get("result") or {}).get("z")]
    drawn, names = spread(every, MOST_PANELS), naming(results)
    cells = MOST_CELLS if len(drawn) == 1 else FEW_CELLS
    panels = [_panel(entry, _title(entry, every, names), _range(entry, drawn), cells) for entry in drawn]
    figure = compose(
        [panel for panel in panels if panel is not None],
        "Loss landscapes",
        "Mean loss of one repeat around its weights, which stand at the cross",
        NOTHING,
    )
    return figure.resolve_scale(color="independent") if isinstance(figure, alt.ConcatChart) else figure


def _title(entry: Part, every: Sequence[Part], names: Naming) -> str:
    """Model, length, and what tells it from the others."""
    words = [names.model(entry["model"])]
    words += [f"length {entry['length']:,}"] if entry["length"] is not None else []
    words += [names.task(entry["task"])] if len(names.tasks) > 1 else []
    words += [probe_label(entry, every)] if any(other["spec"] != entry["spec"] for other in every) else []
    return " · ".join(words)


def _range(entry: Part, drawn: Sequence[Part]) -> Range | None:
    """Lowest and highest loss of all landscapes of a task; None where none is finite."""
    mates = [other["result"]["z"] for other in drawn if other["task"] == entry["task"]]
    seen = [number for rows in mates for row in rows for value in row if (number := finite(value)) is not None]
    return (min(seen), max(seen)) if seen else None


def _panel(entry: Part, title: str, reach: Range | None, cells: int) -> Panel | None:
    result = entry["result"]
    rows = _cells(result, cells)
    if reach is None or not rows:
        return None
    x, y = alt.X("left:Q", **_axis(result, "x")), alt.Y("bottom:Q", **_axis(result, "y"))
    tooltip = [alt.Tooltip(f"{name}:Q", title=str(result[f"{name}_label"]), format=".4~g") for name in "xyz"]
    chart = alt.Chart(data(rows)).mark_rect()
    heights = chart.encode(x=x, x2="right:Q", y=y, y2="top:Q", color=_colour(result, reach), tooltip=tooltip)
    return Panel(title, stack(heights, *_checkpoint(result)))


def _axis(result: Part, name: str) -> dict[str, Any]:
    """Scale and title of an axis of cells' edges."""
    seen = [number for value in result[name] if (number := finite(value)) is not None]
    scale = alt.Scale(domain=[min(seen), max(seen)], zero=False, nice=False, clamp=True)
    return {"scale": scale, "axis": alt.Axis(title=str(result[f"{name}_label"]), grid=False, tickCount=6)}


def _colour(result: Part, reach: Range) -> alt.Color:
    low, high = reach
    logarithmic = low > 0 and high / low > WIDE_RANGE
    domain = [max(low, high / DEEPEST), high] if logarithmic else [low, high]
    kind: Literal["log", "linear"] = "log" if logarithmic else "linear"
    scale = alt.Scale(scheme=COLOURS, type=kind, domain=domain, nice=False, clamp=True)
    ticks = loss_axis(domain) if logarithmic else {"format": "~g", "tickCount": 5}
    legend = alt.Legend(title=str(result["z_label"]), orient="right", gradientLength=150, **ticks)
    return alt.Color("z:Q", scale=scale, legend=legend)


def _cells(result: Part, most: int) -> list[Row]:
    """Rectangles around the points, each with the height at its point; of a fine grid every so many."""
    columns, lines = (_edges(result[name], most) for name in "xy")
    rows = []
    for bottom, y, top, j in lines:
        for left, x, right, i in columns:
            z = finite(result["z"][j][i])
            if z is not None:
                edges = {"left": left, "right": right, "bottom": bottom, "top": top}
                rows.append({name: _short(value) for name, value in {**edges, "x": x, "y": y, "z": z}.items()})
    return rows


def _short(value: float) -> float:
    """In six digits: a figure has thousands of cells."""
    return float(f"{value:.6g}")


def _edges(points: Sequence[float], most: int) -> list[tuple[float, float, float, int]]:
    """Lower edge, point, upper edge and place of cells that meet half-way between chosen points.

    Each reaches a little under the next, which is drawn over it: renderers leave gaps between edges that just meet.
    """
    places = spread(range(len(points)), most)
    chosen = [points[place] for place in places]
    between = [chosen[0], *((a + b) / 2 for a, b in pairwise(chosen)), chosen[-1]]
    return [(*edge, place) for edge, place in zip(_around(between, chosen), places, strict=True)]


def _around(edges: Sequence[float], points: Sequence[float]) -> list[tuple[float, float, float]]:
    under = OVERLAP * (edges[-1] - edges[0]) / len(points)
    return [(low, point, high + under) for (low, high), point in zip(pairwise(edges), points, strict=True)]


def _checkpoint(result: Part) -> list[alt.Chart]:
    """A cross where the weights stand, if that lies inside."""
    told = result.get("scores") or {}
    x, y = (finite(told.get(f"checkpoint_{name}")) for name in "xy")
    if x is None or y is None or not (_inside(x, result["x"]) and _inside(y, result["y"])):
        return []
    chart = alt.Chart(data([{"left": x, "bottom": y}]))
    mark = chart.mark_point(
        shape="cross", filled=True, size=90, color="white", stroke="black", strokeWidth=1, opacity=1
    )
    return [mark.encode(x="left:Q", y="bottom:Q")]


def _inside(value: float, points: Sequence[float]) -> bool:
    return min(points) <= value <= max(points)
