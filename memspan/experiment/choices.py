"""Choices: which settings were tried, which one was chosen, and how wide the window of rates is that work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np

from memspan.engine.condition import Condition
from memspan.experiment.course import bound_of, judged_by
from memspan.experiment.run_row import RunRow
from memspan.experiment.series import Series, all_series
from memspan.experiment.spec import ExperimentSpec
from memspan.experiment.tuning import METRIC, chosen, loss, tuned_runs
from memspan.interfaces.tunable import Setting
from memspan.statistics.notation import number
from memspan.statistics.selection import Median, Window, median, window
from memspan.training import RATE, Training

KEPT = 4_096
"""medians and windows that were met before: results are made anew whenever a run ends"""
GOOD_ACCURACY = 0.9
"""validated, from which on a run of a classification counts as good though its task may ask for more"""


def choices(
    spec: ExperimentSpec, grid: Sequence[Condition], rows: Mapping[int, Sequence[RunRow]]
) -> list[dict[str, Any]]:
    """What was tried for each task and model, at each length or once for all; nothing where nothing is tuned.

    Args:
        grid: of the spec.
        rows: the runs that serve to choose, by their positions.
    """
    return [
        _choice(spec, grid, series, [row for position in series.tuning for row in rows.get(position, ())])
        for series in all_series(spec)
        if series.settings
    ]


def _choice(spec: ExperimentSpec, grid: Sequence[Condition], series: Series, rows: Sequence[RunRow]) -> dict[str, Any]:
    """One entry of ``tuning``."""
    tried, runs = [grid[position] for position in series.tuning], tuned_runs(series, rows)
    found = chosen(spec, series, rows)
    setting = None if found is None else spec.training.settings[found]
    edges = [] if setting is None else at_edge(spec.training, setting)
    first = tried[0]
    return {
        "task": first.task.model_dump(mode="json"),
        "model": first.model.model_dump(mode="json"),
        "length": first.length,
        "metric": METRIC,
        "repeats": spec.training.tuning.repeats if spec.training.tuning else 0,
        "open": any(row.state in ("queued", "running") for row in rows),
        "failed": sum(row.state in ("failed", "cancelled") for row in rows),
        "chosen": None if found is None else tried[found].training.optimizer.step_size,
        "setting": None if setting is None else dict(setting),
        "at_edge": bool(edges),
        "warning": edge_words(spec.training, edges) if edges else None,
        "scores": [_score(spec, *each) for each in zip(tried, runs, strict=True)],
        "window": None if found is None else _window(spec, tried, runs, found),
    }


def _score(spec: ExperimentSpec, tried: Condition, runs: Sequence[RunRow]) -> dict[str, Any]:
    """What came of a setting; nothing is told of its loss before a run has ended well."""
    done = [row for row in runs if row.state == "succeeded"]
    found = _median(tuple(loss(row) for row in done)) if done else None
    return {
        **tried.training.numbers,
        "median": found and found.value,
        "low": found and found.low,
        "high": found and found.high,
        "n": len(done),
        "diverged": sum(row.diverged_at is not None for row in done),
        "good": sum(is_good(spec, tried, row) for row in done),
    }


@lru_cache(maxsize=KEPT)
def _median(losses: tuple[float, ...]) -> Median:
    return median(np.array(losses))


@lru_cache(maxsize=KEPT)
def _widths(rates: tuple[float, ...], good: tuple[tuple[float, ...], ...]) -> Window:
    return window(rates, np.array(good))


def is_good(spec: ExperimentSpec, condition: Condition, row: RunRow) -> bool:
    """Whether a run has learned its task, as validated: it meets what success is judged by, or it is a classification
    with at least .9 right."""
    if row.diverged_at is not None:
        return False
    above, bound = bound_of(spec, condition)
    value = row.metrics.get(f"validation_{judged_by(spec, condition)}", np.nan)
    there = value >= bound if above else value <= bound
    return bool(there or row.metrics.get("validation_accuracy", 0.0) >= GOOD_ACCURACY)


def _window(
    spec: ExperimentSpec, tried: Sequence[Condition], runs: Sequence[Sequence[RunRow]], found: int
) -> dict[str, Any] | None:
    """The window of rates with the other numbers as they were chosen; None where no rates are tuned, or only one."""
    alike = [
        at
        for at, setting in enumerate(spec.training.settings)
        if _others(setting) == _others(spec.training.settings[found])
    ]
    if len(spec.training.tuned.get(RATE, ())) < 2:
        return None
    rates = tuple(tried[at].training.optimizer.step_size for at in alike)
    good = tuple(tuple(float(is_good(spec, tried[at], row)) for row in runs[at]) for at in alike)
    return asdict(_widths(rates, good))


def _others(setting: Setting) -> dict[str, float]:
    return {name: value for name, value in setting.items() if name != RATE}


def at_edge(training: Training, setting: Setting) -> list[str]:
    """The numbers of which the least or the largest candidate was chosen, where there are several."""
    return [
        name for name, values in training.tuned.items() if len(values) > 1 and setting[name] in (values[0], values[-1])
    ]


def edge_words(training: Training, edges: Sequence[str]) -> str:
    """What to do about a best candidate beyond which there may be a better one."""
    told = [f"{name} ({number(training.tuned[name][0])} to {number(training.tuned[name][-1])})" for name in edges]
    return (
        f"The best lies at the edge of the candidates of {' and '.join(told)}: a better one may lie beyond. "
        "Try more on that side, for all models."
    )
