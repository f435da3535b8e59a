"""Digests: what results keep of the runs of a condition, so that the runs themselves need not stay in memory."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from memspan.engine.condition import Condition
from memspan.experiment.by_lag import AccuracyByLag, accuracy_by_lag
from memspan.experiment.course import Course
from memspan.experiment.run_row import RunRow
from memspan.experiment.spec import ExperimentSpec
from memspan.experiment.trained_runs import Needed, TrainedRuns
from memspan.statistics.convergence import counts
from memspan.statistics.summary import Summary, summarize_many

VALUES_AT_ONCE = 500_000
"""numbers that wait to be summarized: 4 MB as an array. Conditions with equally many runs are worked out together"""


@dataclass(frozen=True)
class Digest:
    """The runs of a condition in some numbers.

    Attributes:
        solved: how many succeeded ones met the criterion; a diverged run never does.
        seconds: of those that succeeded, on average; None where nobody measured them.
        engine: of the first one that names it.
        processors: the kinds that their numbers are of.
        rounds: of a search, that asked for runs so far.
        open: whether some have something to do.
        ends: how many that succeeded are in each state of convergence.
        to_solve: of those that succeeded, how many optimiser steps each needed; empty where that is not known.
        scores: the final score of each that succeeded; NaN of those that diverged.
        met: how many of them met the criterion after each of the ``budget_epochs``; empty where that is not known.
        summaries: by metric, over those that succeeded.
        by_lag: of those, how well they answered by lag; None where the task tells no lags.
    """

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    diverged: int = 0
    solved: int = 0
    seconds: float | None = None
    engine: str | None = None
    processors: tuple[str, ...] = ()
    rounds: int = 0
    open: bool = False
    ends: Mapping[str, int] = field(default_factory=lambda: counts(()))
    met: tuple[int, ...] = ()
    to_solve: Needed = ()
    scores: tuple[float, ...] = ()
    summaries: dict[str, Summary] = field(default_factory=dict)
    by_lag: AccuracyByLag | None = None


def digests(
    spec: ExperimentSpec,
    grid: Sequence[Condition],
    groups: Iterable[Sequence[RunRow]],
    course: Callable[[int], Course | None],
) -> dict[int, Digest]:
    """Of each condition that has runs, by its position in the grid.

    Args:
        groups: the runs, all of a condition at a time.
        course: of the validation of a condition, by its position.
    """
    found: dict[int, Digest] = {}
    waiting = _Waiting()
    for runs in groups:
        position = runs[0].condition
        trained = TrainedRuns(spec, grid[position], runs, course(position))
        found[position] = digest = _digest(trained)
        waiting.add(digest.summaries, trained.done)
    waiting.summarize()
    return found


def _digest(trained: TrainedRuns) -> Digest:
    """All but the summaries."""
    runs, done = trained.runs, trained.done
    seconds = [run.seconds for run in done if run.seconds is not None]
    return Digest(
        total=len(runs),
        succeeded=len(done),
        failed=sum(run.state == "failed" for run in runs),
        diverged=sum(run.diverged_at is not None for run in done),
        solved=sum(trained.solved),
        seconds=sum(seconds) / len(seconds) if seconds else None,
        engine=next((run.engine for run in done if run.engine), None),
        processors=tuple(sorted({run.processor for run in done if run.processor})),
        rounds=max(run.round for run in runs),
        open=any(run.state in ("queued", "running") for run in runs),
        ends=counts(trained.ends),
        met=trained.met,
        to_solve=trained.to_solve,
        scores=trained.scores,
        by_lag=accuracy_by_lag(done),
    )


def solved_runs(spec: ExperimentSpec, condition: Condition, runs: Sequence[RunRow]) -> int:
    """How many runs of a condition that succeeded met the criterion; a diverged run never does."""
    return sum(TrainedRuns(spec, condition, runs).solved)


class _Waiting:
    """Metrics that wait to be summarized together with others of equally many runs."""

    def __init__(self) -> None:
        self._by_size: dict[int, list[tuple[dict[str, Summary], str, list[float]]]] = defaultdict(list)
        self._values = 0

    def add(self, summaries: dict[str, Summary], runs: Sequence[RunRow]) -> None:
        """Have every metric of some runs summarized into ``summaries``."""
        for name, values in _columns(runs):
            summaries[name] = _UNKNOWN  # in the order of names, whichever is worked out first
            self._by_size[len(values)].append((summaries, name, values))
            self._values += len(values)
        if self._values >= VALUES_AT_ONCE:
            self.summarize()

    def summarize(self) -> None:
        """Work out what waits."""
        for items in self._by_size.values():
            matrix = np.array([values for _, _, values in items])
            for (summaries, name, _), summary in zip(items, summarize_many(matrix), strict=True):
                summaries[name] = summary
        self._by_size.clear()
        self._values = 0


_UNKNOWN = Summary(0, math.nan, math.nan, math.nan, math.nan, math.nan)


def _columns(runs: Sequence[RunRow]) -> Iterator[tuple[str, list[float]]]:
    """Each metric that a run has, by name, with a value for each run."""
    for name in sorted({name for run in runs for name in run.metrics}):
        yield name, [run.metrics.get(name, math.nan) for run in runs]
