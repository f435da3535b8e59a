"""A figure as Vega-Lite for the browser, or as a file for a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memspan.figures.drawing import Format, drawn
from memspan.figures.theme import Theme, config

if TYPE_CHECKING:
    from memspan.figures.panel import Figure


def spec(chart: Figure, theme: Theme) -> dict[str, Any]:
    """The Vega-Lite document of a figure on a transparent ground, with inline data."""
    document: dict[str, Any] = chart.to_dict(validate=False)  # ten times faster; the tests validate every figure
    return {**document, "config": config(theme)}


def paper(chart: Figure) -> dict[str, Any]:
    """The Vega-Lite document of a figure for a paper: light theme, white ground, a margin."""
    document = spec(chart, "light")
    return {**document, "config": {**document["config"], "background": "white"}, "padding": 12}


def render(chart: Figure, form: Format) -> bytes:
    """The figure as a file, drawn in this process."""
    return drawn(paper(chart), form)
