"""Dashed lines to compare with: baselines, the 50 % rule, ideals."""

from __future__ import annotations

import altair as alt

from memspan.figures.document import Row
from memspan.figures.panel import data


def reference_layers(
    lines: list[Row], scale: alt.Scale, x: alt.X | None = None, *, below: bool = False
) -> list[alt.Chart]:
    """Rows ``{value, name, length}`` as dashed rules, named at the right edge above or ``below`` the rule.

    Those with a length are the points of a dashed curve over ``x``, named at its longest length.
    """
    flat = [line for line in lines if line.get("length") is None]
    bent = [line for line in lines if line.get("length") is not None]
    y = alt.Y("value:Q", scale=scale)
    layers = []
    if flat:
        rules = alt.Chart(data(flat)).encode(y=y)
        name = rules.mark_text(align="right", dy=9 if below else -7, dx=-2)
        layers = [rules.mark_rule(style="reference")]
        layers += [name.encode(x=alt.value("width"), text="name:N")]
    if bent and x is not None:
        curve = alt.Chart(data(bent)).mark_line(style="reference")
        layers += [curve.encode(x=x, y=y, detail="name:N", tooltip=["name:N", "length:Q", "value:Q"])]
        longest = max(line["length"] for line in bent)
        ends = alt.Chart(data([line for line in bent if line["length"] == longest]))
        layers += [ends.mark_text(align="right", dx=-4, dy=12).encode(x=x, y=y, text="name:N")]
    return layers
