"""Results: what the runs of an experiment say about each condition, with intervals."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from memspan.engine.condition import Condition
from memspan.experiment.grid import conditions
from memspan.experiment.report import score_metric
from memspan.experiment.series import all_series, is_search
from memspan.experiment.spec import ExperimentSpec
from memspan.statistics.span import memory_span
from memspan.statistics.summary import Summary, summarize_many
from memspan.statistics.wilson import wilson


@dataclass(frozen=True)
class RunRow:
    """What the results need to know of one run.

    Attributes:
        condition: position of its condition in the grid.
        state: queued, running, succeeded, failed or cancelled.
        round: of a search, in which it was asked for, from 1.
        seconds: its share of the time that its stack took.
        processor: the kind that its numbers are of; None where it wasn't noted.
    """

    condition: int
    repeat: int
    state: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    diverged_at: int | None = None
    seconds: float | None = None
    engine: str | None = None
    round: int = 1
    processor: str | None = None


def document(spec: ExperimentSpec, runs: Iterable[RunRow], probes: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The results of an experiment, finished or not: conditions, memory spans, baselines and probes.

    Of the lengths that a search may ask for, those are shown that have runs.
    """
    by_position: dict[int, list[RunRow]] = defaultdict(list)
    for run in runs:
        by_position[run.condition].append(run)
    shown = [(c, by_position[i]) for i, c in enumerate(conditions(spec)) if by_position[i] or not is_search(spec)]
    grid, rows = [condition for condition, _ in shown], [runs for _, runs in shown]
    done = [[run for run in runs if run.state == "succeeded"] for runs in rows]
    solved = [solved_runs(spec, condition, runs) for condition, runs in zip(grid, done, strict=True)]
    each = zip(grid, rows, done, _summaries(done), solved, strict=True)
    return {
        "conditions": [_condition(*columns) for columns in each],
        "spans": _spans(grid, done, solved),
        "searches": _searches(spec, by_position),
        "baselines": _baselines(grid),
        "probes": list(probes),
        "claims": [],
    }


def solved_runs(spec: ExperimentSpec, condition: Condition, runs: Sequence[RunRow]) -> int:
    """How many runs of a condition met the criterion; a diverged run never does."""
    criterion = spec.report.criterion(condition.task, condition.extent)
    variance = condition.task.target_variance(condition.extent)
    return sum(run.diverged_at is None and criterion.holds(run.metrics, variance) for run in runs)


def _summaries(done: Sequence[Sequence[RunRow]]) -> list[dict[str, Summary]]:
    """A summary of every metric of every condition; those with equally many runs are worked out together."""
    by_size: dict[int, list[tuple[int, str, list[float]]]] = defaultdict(list)
    for index, runs in enumerate(done):
        for name in sorted({name for run in runs for name in run.metrics}):
            values = [run.metrics.get(name, math.nan) for run in runs]
            by_size[len(values)].append((index, name, values))
    found: list[dict[str, Summary]] = [{} for _ in done]
    for items in by_size.values():
        matrix = np.array([values for _, _, values in items])
        for (index, name, _), summary in zip(items, summarize_many(matrix), strict=True):
            found[index][name] = summary
    return found


def _condition(
    condition: Condition,
    runs: Sequence[RunRow],
    done: Sequence[RunRow],
    summaries: Mapping[str, Summary],
    solved: int,
) -> dict[str, Any]:
    """One entry of ``conditions``."""
    network = condition.network()
    interval = wilson(solved, len(done))
    seconds = [run.seconds for run in done if run.seconds is not None]
    return {
        **_place(condition),
        "runs": {
            "total": len(runs),
            "succeeded": len(done),
            "failed": sum(run.state == "failed" for run in runs),
            "diverged": sum(run.diverged_at is not None for run in done),
        },
        "metric": score_metric(condition.task, condition.extent),
        "metrics": {name: asdict(summary) for name, summary in summaries.items()},
        "success": {
            "rate": solved / len(done) if done else None,
            "low": interval.low if done else None,
            "high": interval.high if done else None,
            "n": len(done),
        },
        "parameters": network.parameters,
        "state_size": network.state_size,
        "receptive_field": network.receptive_field,
        "seconds_per_epoch": sum(seconds) / len(seconds) / condition.training.epochs if seconds else None,
        "engine": next((run.engine for run in done if run.engine), None),
        "processors": sorted({run.processor for run in done if run.processor}),
    }


def _place(condition: Condition) -> dict[str, Any]:
    return {
        "task": condition.task.model_dump(mode="json"),
        "model": condition.model.model_dump(mode="json"),
        "length": condition.length,
    }


def _spans(grid: Sequence[Condition], done: Sequence[Sequence[RunRow]], solved: Sequence[int]) -> list[dict[str, Any]]:
    """The memory span of each task and model over the lengths that have finished runs."""
    by_model: dict[tuple[Any, Any], list[int]] = defaultdict(list)
    for index, condition in enumerate(grid):
        if condition.length is not None and done[index]:
            by_model[condition.task, condition.model].append(index)
    found = []
    for (task, model), indices in by_model.items():
        lengths = [grid[index].extent for index in indices]
        span = memory_span(lengths, [solved[i] for i in indices], [len(done[i]) for i in indices])
        if span:
            place = {"task": task.model_dump(mode="json"), "model": model.model_dump(mode="json")}
            found.append({**place, **asdict(span)})
    return found


def _searches(spec: ExperimentSpec, rows: Mapping[int, Sequence[RunRow]]) -> list[dict[str, Any]]:
    """How far the search for each span is. The runs of a round are there as soon as those before have ended."""
    grid = conditions(spec)
    return [
        {
            "task": grid[series.positions.start].task.model_dump(mode="json"),
            "model": grid[series.positions.start].model.model_dump(mode="json"),
            "rounds": max((run.round for run in runs), default=0),
            "lengths": len({run.condition for run in runs}),
            "runs": len(runs),
            "most_runs": series.search.most_lengths(spec.repeats) * spec.repeats,
            "over": all(run.state not in ("queued", "running") for run in runs),
        }
        for series in all_series(spec)
        if series.search
        for runs in [[run for position in series.positions for run in rows.get(position, ())]]
    ]


def _baselines(grid: Sequence[Condition]) -> list[dict[str, Any]]:
    """Each task's baselines: once where the value is the same at every length, else once for each length."""
    values: dict[tuple[Any, str, str], dict[int | None, float]] = defaultdict(dict)
    for condition in grid:
        for baseline in condition.task.baselines(condition.extent):
            values[condition.task, baseline.name, baseline.metric][condition.length] = baseline.value
    return [entry for key, by_length in values.items() for entry in _baseline(*key, by_length)]


def _baseline(task: Any, name: str, metric: str, by_length: Mapping[int | None, float]) -> list[dict[str, Any]]:
    entry = {"task": task.model_dump(mode="json"), "name": name, "metric": metric}
    if len(set(by_length.values())) == 1:
        return [{**entry, "value": next(iter(by_length.values()))}]
    return [{**entry, "value": value, "length": length} for length, value in by_length.items()]
