"""Needed history: the loss by context of each learner with its band, and what each step adds."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from memspan.figures.document import Part, Results, Row, entries
from memspan.figures.panel import Figure, Panel, colour, compose, data, shape, stack, value_axis
from memspan.statistics.notation import number

NOTHING = "No series has been asked how much history it needs."
MANY = 40
"""contexts from which on their axis is logarithmic, and points would touch"""


def history(results: Results) -> Figure:
    """A panel of losses by context, and one of what each further step adds.

    Args:
        results: the document of an answer, with its ``learners``.
    """
    findings = entries(results, "learners")
    if not findings:
        return compose([], "Needed history", "", NOTHING)
    labels = [str(each["model"]["kind"]) for each in findings]
    panels = [Panel("Loss by context", _losses(results, findings, labels))]
    panels += [Panel("What each further step adds", _added(results, findings, labels))]
    title = f"How much history does {results['target']} need?"
    return compose(panels, title, "Mean squared error on the same test points; bands: 95 % intervals", NOTHING)


def _losses(results: Results, findings: Sequence[Part], labels: list[str]) -> alt.LayerChart:
    rows = [_row(each, point) for each in findings for point in each["by_context"]]
    y = value_axis("mean", "Mean squared error", _scale(rows))
    low = y.copy()
    low.shorthand = "low:Q"
    x = _steps(results, rows)
    chart = alt.Chart(data(rows)).encode(x=x, color=colour(labels))
    layers = [*_needed(results), *_references(results, findings, x)]
    layers += [chart.mark_area(opacity=0.18).encode(y=low, y2="high:Q")]
    layers += [chart.mark_line(strokeWidth=2).encode(y=y)]
    if len(rows) <= MANY * len(findings):
        tips = [alt.Tooltip("model:N"), alt.Tooltip("context:Q")]
        tips += [alt.Tooltip(f"{name}:Q", format=".4~g") for name in ("mean", "low", "high", "mase")]
        layers += [chart.mark_point(filled=True, size=40, opacity=1).encode(y=y, shape=shape(labels), tooltip=tips)]
    return stack(*layers)


def _added(results: Results, findings: Sequence[Part], labels: list[str]) -> alt.LayerChart:
    rows = [_gain(each, point) for each in findings for point in each["by_context"] if point["adds"] is not None]
    y = value_axis("mean", "Share of the skill", alt.Scale(), format="%")
    low = y.copy()
    low.shorthand = "low:Q"
    chart = alt.Chart(data(rows)).encode(x=_steps(results, rows), color=colour(labels))
    tips = [alt.Tooltip("model:N"), alt.Tooltip("context:Q"), alt.Tooltip("mean:Q", format=".1%")]
    return stack(
        *_needed(results),
        chart.mark_rule(strokeWidth=1.5, opacity=0.55).encode(y=low, y2="high:Q"),
        chart.mark_point(filled=True, size=40, opacity=1).encode(y=y, shape=shape(labels), tooltip=tips),
    )


def _row(finding: Part, point: Part) -> Row:
    names = ("context", "low", "high", "mase")
    return {"model": str(finding["model"]["kind"]), "mean": point["loss"], **{name: point[name] for name in names}}


def _gain(finding: Part, point: Part) -> Row:
    ends = {"mean": point["adds"], "low": point["adds_low"], "high": point["adds_high"]}
    return {"model": str(finding["model"]["kind"]), "context": point["context"], **ends}


def _scale(rows: list[Row]) -> alt.Scale:
    """From a little below the lowest band to a little above the highest: what zero is does not matter here."""
    low, high = min(row["low"] for row in rows), max(row["high"] for row in rows)
    room = 0.04 * (high - low) or 1.0
    return alt.Scale(domain=[max(0.0, low - room), high + room], nice=False, zero=False, clamp=True)


def _steps(results: Results, rows: list[Row]) -> alt.X:
    """Contexts on an axis that is logarithmic from 1 on where there are many."""
    longest = max(row["context"] for row in rows)
    axis = alt.Axis(
        title=f"Context ({results['step']}s that are known)", grid=False, format=",d", labelOverlap="greedy"
    )
    return alt.X("context:Q", scale=alt.Scale(type="symlog" if longest > MANY else "linear", nice=False), axis=axis)


def _needed(results: Results) -> list[alt.Chart]:
    """The answer as a line, its interval as a ground; nothing where nothing is found."""
    if results["state"] == "none":
        return []
    ground = {"low": results["low"] - 0.35, "high": results["high"] + 0.35}
    rect = alt.Chart(data([ground])).mark_rect(opacity=0.14, color="#8a8a94")
    line = alt.Chart(data([{"context": results["steps"], "text": f"needed: {number(results['steps'])}"}]))
    text = line.mark_text(align="left", dx=5, baseline="top").encode(x="context:Q", y=alt.value(4), text="text:N")
    rule = line.mark_rule(strokeWidth=1.5, strokeDash=[2, 2]).encode(x="context:Q")
    return [rect.encode(x="low:Q", x2="high:Q"), rule, text]


def _references(results: Results, findings: Sequence[Part], x: alt.X) -> list[alt.Chart]:
    """What persistence loses, where that lies near what learners lose."""
    loss = findings[0]["persistence"]["loss"]
    if loss > max(point["high"] for each in findings for point in each["by_context"]):
        return []
    line = alt.Chart(data([{"loss": loss, "text": "persistence"}]))
    text = line.mark_text(align="right", dx=-4, dy=-6).encode(x=alt.value("width"), y="loss:Q", text="text:N")
    return [line.mark_rule(style="reference").encode(y="loss:Q"), text]
