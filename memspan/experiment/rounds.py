"""Rounds: which runs of an experiment come first, and which follow when those have ended."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memspan.experiment.grid import conditions
from memspan.experiment.lengths import SearchRange
from memspan.experiment.line import Line
from memspan.experiment.results import RunRow, solved_runs
from memspan.experiment.search import Round, Tally, next_round
from memspan.experiment.spec import ExperimentSpec


@dataclass(frozen=True)
class Batch:
    """Repeats to train of one condition, by its position in the grid."""

    position: int
    repeats: range


def opening(spec: ExperimentSpec, line: Line) -> tuple[Batch, ...]:
    """The runs that a line begins with."""
    if line.search is None:
        return (Batch(line.positions.start, range(spec.repeats)),)
    return _batches(line, line.search, {}, next_round(line.search, spec.repeats, {}))


def following(spec: ExperimentSpec, line: Line, rows: Sequence[RunRow]) -> tuple[Batch, ...]:
    """The runs that a line goes on with when all of ``rows``, its runs so far, have ended; none when it is done."""
    if line.search is None:
        return ()
    tallies = _tallies(spec, line, line.search, rows)
    return _batches(line, line.search, tallies, next_round(line.search, spec.repeats, tallies))


def _tallies(spec: ExperimentSpec, line: Line, search: SearchRange, rows: Sequence[RunRow]) -> dict[int, Tally]:
    """What became of the runs of a line, by length."""
    asked, done = Counter(run.condition for run in rows), defaultdict[int, list[RunRow]](list)
    for run in rows:
        if run.state == "succeeded":
            done[run.condition].append(run)
    grid, candidates = conditions(spec), search.candidates()
    return {
        candidates[position - line.positions.start]: Tally(
            count, len(done[position]), solved_runs(spec, grid[position], done[position])
        )
        for position, count in sorted(asked.items())
    }


def _batches(line: Line, search: SearchRange, tallies: Mapping[int, Tally], added: Round) -> tuple[Batch, ...]:
    """The repeats of a round, which go on counting where those before ended."""
    candidates = search.candidates()
    have = {length: tally.asked for length, tally in tallies.items()}
    return tuple(
        Batch(line.positions.start + candidates.index(length), range(have.get(length, 0), have.get(length, 0) + count))
        for length, count in sorted(added.items())
    )
