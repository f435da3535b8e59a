"""Names of lines that lie too near each other to be named one by one."""

from __future__ import annotations

from math import log10

import altair as alt

from memspan.figures.document import Row

MOST_NAMES = 3
"""names that are told side by side; of more, the first and the last"""


def merged(lines: list[Row], scale: alt.Scale, least: float, *, below: bool = False) -> list[Row]:
    """One row ``{value, name}`` for each group of lines that lie nearer than ``least``, a share of the axis.

    Without a range in ``scale`` only equal values are near. The row stands at the group's highest value, or at its
    lowest, where names are written ``below`` their line.
    """
    groups: list[list[Row]] = []
    for line in sorted(lines, key=lambda line: float(line["value"])):
        near = groups and _distance(groups[-1][-1]["value"], line["value"], scale) < least
        groups = [*groups[:-1], [*groups[-1], line]] if near else [*groups, [line]]
    return [{**group[0 if below else -1], "name": _joined(group, lines)} for group in groups]


def _joined(group: list[Row], lines: list[Row]) -> str:
    """The names of a group in the order in which they were given."""
    names = list(dict.fromkeys(str(line["name"]) for line in lines if line in group))
    return ", ".join(names) if len(names) <= MOST_NAMES else f"{names[0]} … {names[-1]}"


def _distance(one: float, other: float, scale: alt.Scale) -> float:
    """How far two values lie apart, as a share of the axis."""
    found = scale.to_dict()
    ends = found.get("domain")
    if not isinstance(ends, list):
        return 0.0 if one == other else 1.0
    place = log10 if found.get("type") == "log" else float
    return abs(place(other) - place(one)) / (place(ends[1]) - place(ends[0]))
