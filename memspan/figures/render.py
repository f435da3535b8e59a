"""A figure as Vega-Lite for the browser, or as a file for a paper."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, assert_never

import vl_convert

from memspan.figures.panel import Figure
from memspan.figures.theme import Theme, config

Format: TypeAlias = Literal["png", "svg", "pdf"]
VEGA_LITE = "6.4"  # the version whose schema altair writes
PNG_SCALE = 2  # device pixels a pixel
NO_ORIGINS: list[str] = []  # a figure's data are inline: the renderer may fetch nothing


def spec(chart: Figure, theme: Theme) -> dict[str, Any]:
    """The Vega-Lite document of a figure on a transparent ground, with inline data."""
    document: dict[str, Any] = chart.to_dict(validate=False)  # ten times faster; the tests validate every figure
    return {**document, "config": config(theme)}


def render(chart: Figure, form: Format) -> bytes:
    """The figure as a file: light theme, white ground, no browser needed."""
    document = spec(chart, "light")
    document["config"]["background"] = "white"
    document["padding"] = 12
    match form:
        case "png":
            return bytes(
                vl_convert.vegalite_to_png(
                    document, vl_version=VEGA_LITE, scale=PNG_SCALE, allowed_base_urls=NO_ORIGINS
                )
            )
        case "svg":
            return vl_convert.vegalite_to_svg(document, vl_version=VEGA_LITE, allowed_base_urls=NO_ORIGINS).encode()
        case "pdf":
            return bytes(vl_convert.vegalite_to_pdf(document, vl_version=VEGA_LITE, allowed_base_urls=NO_ORIGINS))
        case _:
            assert_never(form)
