"""Series: which conditions of a grid are asked for together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from memspan.experiment.grid import lengths_of
from memspan.experiment.lengths import Search, SearchRange
from memspan.experiment.spec import ExperimentSpec


@dataclass(frozen=True)
class Series:
    """Neighbours in a grid whose runs are asked for together: the lengths of one task and model, or one condition.

    Attributes:
        positions: in the grid.
        search: how their lengths are chosen; None where each is asked for all of its repeats at once.
    """

    positions: range
    search: SearchRange | None = None


def is_search(spec: ExperimentSpec) -> bool:
    """Whether some conditions of the grid may never get any runs."""
    return isinstance(spec.lengths, Search)


def all_series(spec: ExperimentSpec) -> tuple[Series, ...]:
    """The whole grid: a series for each task and model of a search, which has its own span, else for each condition."""
    found: list[Series] = []
    first = 0
    for task in spec.tasks:
        size = len(lengths_of(spec)) if task.has_length else 1
        search = spec.lengths.search if task.has_length and isinstance(spec.lengths, Search) else None
        for _ in spec.models:
            whole = range(first, first + size)
            found += [Series(whole, search)] if search else [Series(range(each, each + 1)) for each in whole]
            first += size
    return tuple(found)


def series_of(spec: ExperimentSpec, positions: Iterable[int]) -> tuple[Series, ...]:
    """The series that some positions of the grid lie in, each once."""
    asked = set(positions)
    if not is_search(spec):
        return tuple(Series(range(position, position + 1)) for position in sorted(asked))
    return tuple(series for series in all_series(spec) if not asked.isdisjoint(series.positions))
