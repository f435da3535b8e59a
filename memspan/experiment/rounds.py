"""Rounds: which runs of an experiment come first, and which follow when those have ended."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memspan.experiment.digest import solved_runs
from memspan.experiment.grid import conditions
from memspan.experiment.lengths import SearchRange
from memspan.experiment.run_row import RunRow
from memspan.experiment.search import Round, Tally, next_round
from memspan.experiment.series import Series
from memspan.experiment.spec import ExperimentSpec


@dataclass(frozen=True)
class Allocation:
    """The repeats that one condition is given to train, by its position in the grid."""

    position: int
    repeats: range


def opening(spec: ExperimentSpec, series: Series) -> tuple[Allocation, ...]:
    """The runs that a series begins with."""
    if series.search is None:
        return (Allocation(series.positions.start, range(spec.repeats)),)
    return _allocations(series, series.search, {}, next_round(series.search, spec.repeats, {}))


def following(spec: ExperimentSpec, series: Series, rows: Sequence[RunRow]) -> tuple[Allocation, ...]:
    """The runs that a series goes on with when all of ``rows``, its runs so far, have ended; none when it is done."""
    if series.search is None:
        return ()
    tallies = _tallies(spec, series, series.search, rows)
    return _allocations(series, series.search, tallies, next_round(series.search, spec.repeats, tallies))


def _tallies(spec: ExperimentSpec, series: Series, search: SearchRange, rows: Sequence[RunRow]) -> dict[int, Tally]:
    """What became of the runs of a series, by length."""
    asked, done = Counter(run.condition for run in rows), defaultdict[int, list[RunRow]](list)
    for run in rows:
        if run.state == "succeeded":
            done[run.condition].append(run)
    grid, candidates = conditions(spec), search.candidates()
    return {
        candidates[position - series.positions.start]: Tally(
            count, len(done[position]), solved_runs(spec, grid[position], done[position])
        )
        for position, count in sorted(asked.items())
    }


def _allocations(
    series: Series, search: SearchRange, tallies: Mapping[int, Tally], added: Round
) -> tuple[Allocation, ...]:
    """The repeats of a round, which go on counting where those before ended."""
    candidates = search.candidates()
    have = {length: tally.asked for length, tally in tallies.items()}
    return tuple(
        Allocation(series.positions.start + candidates.index(length), range(done, done + count))
        for length, count in sorted(added.items())
        for done in [have.get(length, 0)]
    )
