"""One scalar of a probe by length and model."""

from __future__ import annotations

import altair as alt

from memspan.figures.document import Part, Row, finite
from memspan.figures.naming import Naming
from memspan.figures.panel import Panel, interval_layers, length_axis, stack, tips, value_axis
from memspan.figures.ranking import ranking
from memspan.figures.reference import reference_layers


def scalars_panel(names: Naming, group: list[Part], name: str, title: str) -> Panel | None:
    """The scalar ``name`` of one probe on one task; None without a finite value."""
    rows = [row for entry in group if (row := _row(entry, name, names)) is not None]
    if not rows:
        return None
    unit = (group[0]["result"].get("units") or {}).get(name)
    words = name.replace("_", " ") + (f" ({unit})" if unit else "")
    best = ideal(group[0]["result"], name)
    lines = [] if best is None else [{"value": best, "name": "ideal"}]
    labels, scale = names.labels, alt.Scale(zero=False)
    if any(row["length"] is None for row in rows):
        return ranking(title, rows, labels, words, scale, lines)
    x, y = length_axis([row["length"] for row in rows]), value_axis("mean", words, scale)
    points = interval_layers(rows, x, y, labels, tips(".4~g"))
    return Panel(title, stack(*reference_layers(lines, scale), *points))


def ideal(result: Part, name: str) -> float | None:
    """The value that a perfect model has, where the result gives one: a number, or one for each scalar."""
    baseline = result.get("baseline")
    return finite(baseline.get(name) if isinstance(baseline, dict) else baseline)


def _row(entry: Part, name: str, names: Naming) -> Row | None:
    result = entry["result"]
    mean = finite(result["values"].get(name))
    if mean is None:
        return None
    interval = {part: finite((result.get(part) or {}).get(name)) for part in ("low", "high")}
    facts = {"model": names.model(entry["model"]), "length": entry["length"], "n": result.get("n")}
    return {**facts, "mean": mean, **interval}
