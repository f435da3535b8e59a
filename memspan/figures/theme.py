"""Colours and type of the charts, light and dark, as Vega-Lite configuration."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

Theme: TypeAlias = Literal["light", "dark"]

# Okabe & Ito's palette for all kinds of colour vision, without its yellow and black, which vanish on one of the
# grounds; the dark variants are the same hues, lighter.
CATEGORIES: dict[Theme, list[str]] = {
    "light": ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#5b5b66", "#8c5a2b"],
    "dark": ["#5aaee6", "#ff8a4c", "#38c79b", "#e6a3c8", "#f0b73d", "#96d4f7", "#a9a9b6", "#c99a6b"],
}
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right"]
INK: dict[Theme, str] = {"light": "#1d2530", "dark": "#e7ebf0"}
FAINT_INK: dict[Theme, str] = {"light": "#5d6876", "dark": "#9aa6b4"}
GRID: dict[Theme, str] = {"light": "#e4e8ed", "dark": "#2c3641"}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"


def config(theme: Theme) -> dict[str, Any]:
    """The Vega-Lite ``config`` of a theme; the ground is transparent."""
    ink, faint = INK[theme], FAINT_INK[theme]
    title = {"color": ink, "subtitleColor": faint, "fontSize": 14, "subtitleFontSize": 12, "fontWeight": 600}
    axis = {"labelColor": faint, "titleColor": faint, "gridColor": GRID[theme], "domainColor": GRID[theme]}
    return {
        "background": "transparent",
        "font": FONT,
        "range": {"category": CATEGORIES[theme], "symbol": SHAPES},
        "view": {"stroke": None},
        "title": title | {"anchor": "start", "frame": "group", "offset": 10, "subtitlePadding": 4},
        "axis": axis
        | {"tickColor": GRID[theme], "labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal"},
        "legend": {
            "labelColor": ink,
            "titleColor": faint,
            "orient": "top",
            "columns": 4,
            "labelLimit": 260,
            "symbolSize": 80,
            "symbolOpacity": 1,
        },
        "text": {"color": faint, "fontSize": 11},
        "rule": {"color": faint},
        "tick": {"color": faint},
        "style": {"reference": {"stroke": faint, "strokeWidth": 1, "strokeDash": [5, 4]}},
        "concat": {"spacing": 36},
    }
