"""Series: which conditions of a grid are asked for together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from memspan.experiment.grid import lengths_of, tuned_at
from memspan.experiment.lengths import Search, SearchRange
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.task import TaskSpec


@dataclass(frozen=True)
class Series:
    """Neighbours in a grid whose runs are asked for together: the lengths of one task and model, or one condition.

    Attributes:
        positions: in the grid.
        search: how their lengths are chosen; None where each is asked for all of its repeats at once.
        settings: of which one is chosen for all of them; 0 where nothing is tuned. Each length then has a condition for
            each, and the last positions are those by which it is chosen.
    """

    positions: range
    search: SearchRange | None = None
    settings: int = 0

    @property
    def tuning(self) -> range:
        """The positions by which a setting is chosen, in the order of settings; none where nothing is tuned."""
        return self.positions[len(self.positions) - self.settings :]

    @property
    def reported(self) -> range:
        """The positions that results may be about."""
        return self.positions[: len(self.positions) - self.settings]

    def of_setting(self, setting: int) -> range:
        """The positions of a setting that results are about, by length; those of all where nothing is tuned."""
        return self.reported[setting :: max(self.settings, 1)]


def is_search(spec: ExperimentSpec) -> bool:
    """Whether lengths are chosen by what runs at others found."""
    return isinstance(spec.lengths, Search)


def is_tuned(spec: ExperimentSpec) -> bool:
    """Whether numbers of the training are chosen by runs of their own."""
    return bool(spec.training.tuned)


def grows(spec: ExperimentSpec) -> bool:
    """Whether runs follow from what others found, so that some conditions of the grid may never get any."""
    return is_search(spec) or is_tuned(spec)


@lru_cache(maxsize=16)
def all_series(spec: ExperimentSpec) -> tuple[Series, ...]:
    """The whole grid: a series for each task and model of a search, which has its own span, or that are tuned once for
    all lengths; else for each condition."""
    found: list[Series] = []
    first, settings = 0, len(spec.training.settings) if is_tuned(spec) else 0
    for task in spec.tasks:
        for _ in spec.models:
            for lengths in _together(spec, task):
                size = lengths * max(settings, 1) + settings
                found.append(Series(range(first, first + size), _search(spec, task), settings))
                first += size
    return tuple(found)


def _together(spec: ExperimentSpec, task: TaskSpec) -> list[int]:
    """How many lengths of a task and model are asked for together, each time."""
    count = len(lengths_of(spec)) if task.has_length else 1
    return [count] if _search(spec, task) or tuned_at(spec, task) is not None else [1] * count


def _search(spec: ExperimentSpec, task: TaskSpec) -> SearchRange | None:
    return spec.lengths.search if task.has_length and isinstance(spec.lengths, Search) else None


def series_of(spec: ExperimentSpec, positions: Iterable[int]) -> tuple[Series, ...]:
    """The series that some positions of the grid lie in, each once."""
    asked = sorted(set(positions))
    if not grows(spec):
        return tuple(Series(range(position, position + 1)) for position in asked)
    every = all_series(spec)
    places = {bisect_right(every, position, key=lambda series: series.positions.start) - 1 for position in asked}
    return tuple(every[place] for place in sorted(places))
