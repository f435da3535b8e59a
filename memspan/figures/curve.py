"""One curve of a probe, such as sensitivity by lag, for each model."""

from __future__ import annotations

import altair as alt

from memspan.figures.curve_scores import curve_scores
from memspan.figures.document import Part, Row, finite
from memspan.figures.naming import Naming
from memspan.figures.panel import Panel, colour, data, stack, value_axis
from memspan.figures.range import loss_axis, loss_scale

MOST_SCORES = 8  # lines of text over the curves
STEEP = 1000.0  # times the least number, from which on the vertical axis is logarithmic
DEEPEST = 1e12  # times the least number that is drawn as it is: what lies below lies at the foot of the chart


def curve_panel(names: Naming, group: list[Part], title: str) -> Panel | None:
    """The curves of one probe on one task at one length; None without a finite point."""
    rows = [row for entry in group for row in _rows(entry, names)]
    if not rows:
        return None
    result, length = group[0]["result"], group[0]["length"]
    words = f"{title}, length {length:,}" if length is not None else title
    x = alt.X("x:Q", scale=alt.Scale(zero=False, nice=False), axis=alt.Axis(title=_title(result, "x"), grid=False))
    baseline = _baseline(result)
    steep = _is_steep(rows, baseline)
    y = _vertical(_title(result, "y"), rows, baseline, steep)
    curves, scores = _layers(rows, x, y, names.labels), _scores(group, names, steep)
    return Panel(words, stack(*_reference(baseline, x), *curves, *scores))


def _is_steep(rows: list[Row], baseline: list[Row]) -> bool:
    """Whether curves fall through several decades, as gradients and memories do."""
    seen = _heights(rows, baseline)
    return min(seen) > 0 and max(seen) >= STEEP * min(seen)


def _heights(rows: list[Row], baseline: list[Row]) -> list[float]:
    return [row["mean"] for row in rows] + [row["value"] for row in baseline]


def _vertical(title: str, rows: list[Row], baseline: list[Row], steep: bool) -> alt.Y:
    """Logarithmic where curves are steep; what lies below the axis is moved to its foot."""
    if not steep:
        return value_axis("mean", title, alt.Scale(zero=False))
    seen = _heights(rows, baseline)
    least = max(seen) / DEEPEST
    drawn = [max(value, least) for value in seen]
    scale = loss_scale(drawn)
    for row in rows:
        row.update({name: max(row[name], scale.domain[0]) for name in ("mean", "low", "high")})
    return value_axis("mean", title, scale, **loss_axis(drawn))


def _title(result: Part, axis: str) -> str:
    unit = result.get(f"{axis}_unit")
    return str(result.get(f"{axis}_label") or axis) + (f" ({unit})" if unit not in (None, "", "1") else "")


def _rows(entry: Part, names: Naming) -> list[Row]:
    result, name = entry["result"], names.model(entry["model"])
    nothing = [None] * len(result["x"])
    columns = (result["x"], result["y"], result.get("low") or nothing, result.get("high") or nothing)
    rows = []
    for point in zip(*columns, strict=True):
        x, mean, low, high = map(finite, point)
        if x is not None and mean is not None:
            band = {"low": mean, "high": mean} if low is None or high is None else {"low": low, "high": high}
            rows.append({"model": name, "x": x, "mean": mean, **band, "n": result.get("n")})
    return rows


def _layers(rows: list[Row], x: alt.X, y: alt.Y, labels: list[str]) -> list[alt.Chart]:
    low = y.copy()
    low.shorthand = "low:Q"
    chart = alt.Chart(data(rows)).encode(x=x, color=colour(labels))
    tooltip = ["model:N", "x:Q", *(alt.Tooltip(f"{name}:Q", format=".4~g") for name in ("mean", "low", "high"))]
    return [
        chart.mark_area(opacity=0.15).encode(y=low, y2="high:Q"),
        chart.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=18)).encode(y=y, tooltip=[*tooltip, "n:Q"]),
    ]


def _scores(group: list[Part], names: Naming, steep: bool) -> list[alt.Chart]:
    """What each model's curve comes to by its first score, one line a model.

    In the upper right corner, but in the lower left one where steep curves leave that free.
    """
    said = {names.model(entry["model"]): text for entry in group if (text := _score(entry["result"]))}
    lines = [{"model": model, "score": text} for model, text in said.items()][:MOST_SCORES]
    return [_written(line, place, steep).encode(color=colour(names.labels)) for place, line in enumerate(lines)]


def _written(line: Row, place: int, steep: bool) -> alt.Chart:
    """One line of text in its corner."""
    chart, offset = alt.Chart(data([line])), 8 + 13 * place
    written: alt.Chart
    if steep:
        text = chart.mark_text(align="left", dx=4, dy=-offset)
        written = text.encode(x=alt.value(0), y=alt.value("height"), text="score:N")
    else:
        text = chart.mark_text(align="right", dx=-4)
        written = text.encode(x=alt.value("width"), y=alt.value(offset), text="score:N")
    return written


def _score(result: Part) -> str | None:
    """The first score that has a number: ``auc 0.97``."""
    known = ((score.words, finite(score.value)) for score in curve_scores(result))
    return next((f"{words} {value:.3g}" for words, value in known if value is not None), None)


def _baseline(result: Part) -> list[Row]:
    """What the curve would be without memory: one height, or a height for each x."""
    baseline = result.get("baseline")
    heights = baseline if isinstance(baseline, list) else [baseline] * len(result["x"])
    points = [{"x": finite(at), "value": finite(y)} for at, y in zip(result["x"], heights, strict=False)]
    return [point for point in points if None not in point.values()]


def _reference(drawn: list[Row], x: alt.X) -> list[alt.Chart]:
    chart = alt.Chart(data(drawn)).mark_line(style="reference")
    return [chart.encode(x=x, y="value:Q")] if drawn else []
