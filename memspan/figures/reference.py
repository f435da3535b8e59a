"""Dashed lines to compare with: baselines, the 50 % rule, ideals."""

from __future__ import annotations

import altair as alt

from memspan.figures.document import Row
from memspan.figures.line_names import merged
from memspan.figures.panel import data

LINE = 0.06
"""height of a name, as a share of the axis"""
SAME = 1e-9
"""lines that are drawn as one"""


def reference_layers(
    lines: list[Row], scale: alt.Scale, x: alt.X | None = None, *, below: bool = False
) -> list[alt.Chart]:
    """Rows ``{value, name, length}`` as dashed rules, named at the right edge above or ``below`` the rule.

    Those with a length are the points of a dashed curve over ``x``. Lines that lie too near each other share a name.
    """
    flat = [line for line in lines if line.get("length") is None]
    bent = [line for line in lines if line.get("length") is not None] if x is not None else []
    y = alt.Y("value:Q", scale=scale)
    tooltip = ["name:N", "value:Q"]
    layers = []
    if flat:
        rules = alt.Chart(data(merged(flat, scale, SAME))).mark_rule(style="reference")
        layers += [rules.encode(y=y, tooltip=tooltip)]
    if bent:
        curve = alt.Chart(data(bent)).mark_line(style="reference")
        layers += [curve.encode(x=x, y=y, detail="name:N", tooltip=[*tooltip, "length:Q"])]
    longest = max((line["length"] for line in bent), default=None)
    ends = merged([*flat, *(line for line in bent if line["length"] == longest)], scale, LINE, below=below)
    if ends:
        names = alt.Chart(data(ends)).mark_text(align="right", dy=9 if below else -7, dx=-2)
        layers += [names.encode(x=alt.value("width"), y=y, text="name:N")]
    return layers
