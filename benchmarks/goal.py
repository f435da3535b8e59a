"""A goal beside a measured value: reached, or by how much it was missed."""

from collections.abc import Iterable
from dataclasses import replace

from benchmarks.report import Figure, table


def at_most(value: float, bound: float, unit: str = "") -> str:
    return _told(f"<= {bound:g} {unit}".rstrip(), value / bound)


def at_least(value: float, bound: float, unit: str = "x") -> str:
    return _told(f">= {bound:g}{unit}", bound / value)


def _told(goal: str, excess: float) -> str:
    return f"{goal}: reached" if excess <= 1 else f"{goal}: missed by {100 * (excess - 1):.0f} %"


def judged(title: str, figures: Iterable[Figure], quick: bool) -> str:
    """A table; what was measured in a hurry is held to no goal."""
    if quick:
        return table(f"{title} (quick: far less work, no goals)", [replace(figure, goal="") for figure in figures])
    return table(title, list(figures))
