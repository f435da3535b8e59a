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
from memspan.experiment.series import Series, is_tuned
from memspan.experiment.spec import ExperimentSpec
from memspan.experiment.tuning import chosen


@dataclass(frozen=True)
class Allocation:
    """The repeats that one condition is given to train, by its position in the grid."""

    position: int
    repeats: range


TUNING = 0
"""the round of runs that serve to choose a setting, before those that are reported"""


def first_round(spec: ExperimentSpec) -> int:
    """The number of the round that an experiment begins with."""
    return TUNING if is_tuned(spec) else 1


def opening(spec: ExperimentSpec, series: Series) -> tuple[Allocation, ...]:
    """The runs that a series begins with: where a setting is tuned, those by which it is chosen."""
    tuning = spec.training.tuning
    if tuning is not None:
        return tuple(Allocation(position, range(tuning.repeats)) for position in series.tuning)
    return _reported(spec, series, 0)


def following(spec: ExperimentSpec, series: Series, rows: Sequence[RunRow]) -> tuple[Allocation, ...]:
    """The runs that a series goes on with when all of ``rows``, its runs so far, have ended; none when it is done."""
    if series.search is None and not series.settings:
        return ()
    setting = chosen(spec, series, rows) if series.settings else 0
    if setting is None:
        return ()
    reported = [row for row in rows if row.condition in series.reported]
    if not reported:
        return _reported(spec, series, setting)
    if series.search is None:
        return ()
    positions = series.of_setting(setting)
    tallies = _tallies(spec, positions, series.search, reported)
    return _allocations(positions, series.search, tallies, next_round(series.search, spec.repeats, tallies))


def _reported(spec: ExperimentSpec, series: Series, setting: int) -> tuple[Allocation, ...]:
    """The first runs of a series by a setting that results are about."""
    positions = series.of_setting(setting)
    if series.search is None:
        return tuple(Allocation(position, range(spec.repeats)) for position in positions)
    return _allocations(positions, series.search, {}, next_round(series.search, spec.repeats, {}))


def _tallies(spec: ExperimentSpec, positions: range, search: SearchRange, rows: Sequence[RunRow]) -> dict[int, Tally]:
    """What became of the runs of a search, by length."""
    asked, done = Counter(run.condition for run in rows), defaultdict[int, list[RunRow]](list)
    for run in rows:
        if run.state == "succeeded":
            done[run.condition].append(run)
    grid, candidates = conditions(spec), search.candidates()
    return {
        candidates[positions.index(position)]: Tally(
            count, len(done[position]), solved_runs(spec, grid[position], done[position])
        )
        for position, count in sorted(asked.items())
    }


def _allocations(
    positions: range, search: SearchRange, tallies: Mapping[int, Tally], added: Round
) -> tuple[Allocation, ...]:
    """The repeats of a round, which go on counting where those before ended.

    Args:
        positions: of the candidates.
    """
    candidates = search.candidates()
    have = {length: tally.asked for length, tally in tallies.items()}
    return tuple(
        Allocation(positions[candidates.index(length)], range(done, done + count))
        for length, count in sorted(added.items())
        for done in [have.get(length, 0)]
    )
