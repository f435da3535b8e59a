"""Probes, aggregated over repeats: scalars by length, curves with their band."""

from __future__ import annotations

from typing import Any, TypeAlias

from memspan.figures.curve import curve_panel
from memspan.figures.document import Part, Results, entries, spread
from memspan.figures.label import probe_label
from memspan.figures.naming import Naming, naming
from memspan.figures.panel import Figure, Panel, compose
from memspan.figures.scalars import scalars_panel

NOTHING = "No probe has been measured yet."
MOST_LENGTHS = 3  # of a curve; scalars show all lengths in one panel
MOST_PANELS = 12
MOST_OF_ONE = 6  # panels of one probe with many scalars, so that others have room; tables have them all
Group: TypeAlias = list[Part]


def probe(results: Results) -> Figure:
    """A panel for each task and probe: each scalar by length, or each curve at a few lengths."""
    done = [entry for entry in entries(results, "probes") if (entry.get("result") or {}).get("kind") in MAKERS]
    names = naming(results)
    panels = [panel for group in _groups(done) for panel in _panels(names, done, group)]
    return compose(panels[:MOST_PANELS], "What the models use", "Mean and 95 % interval over repeats", NOTHING)


def _groups(done: Group) -> list[Group]:
    """Entries that answer the same question: one probe on one task, of weights of one kind."""
    groups: list[Group] = []
    for entry in done:
        found = next((group for group in groups if _question(group[0]) == _question(entry)), None)
        if found is None:
            groups.append([entry])
        else:
            found.append(entry)
    return groups


def _question(entry: Part) -> tuple[Any, ...]:
    return entry["spec"], entry["task"], entry.get("checkpoint")


def _panels(names: Naming, every: Group, group: Group) -> list[Panel]:
    words = [probe_label(group[0], every)]
    words += [names.task(group[0]["task"])] if len(names.tasks) > 1 else []
    panels = MAKERS[group[0]["result"]["kind"]](names, group, " · ".join(words))
    return [panel for panel in panels if panel is not None][:MOST_OF_ONE]


def _scalars(names: Naming, group: Group, title: str) -> list[Panel | None]:
    scalars = dict.fromkeys(scalar for entry in group for scalar in entry["result"]["values"])
    return [scalars_panel(names, group, scalar, title) for scalar in scalars]


def _curves(names: Naming, group: Group, title: str) -> list[Panel | None]:
    lengths = sorted({entry["length"] for entry in group if entry["length"] is not None})
    chosen = spread(lengths, MOST_LENGTHS) or [None]
    return [curve_panel(names, [entry for entry in group if entry["length"] == at], title) for at in chosen]


MAKERS = {"scalars": _scalars, "curve": _curves}
