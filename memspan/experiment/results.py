"""Results: what the runs of an experiment say about each condition, with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from itertools import groupby
from typing import Any

import numpy as np

from memspan.engine.condition import Condition
from memspan.experiment.budget import budget, spans_by_budget
from memspan.experiment.by_lag import by_lag_document
from memspan.experiment.choices import choices
from memspan.experiment.comparing import comparisons
from memspan.experiment.contestant import Contestant
from memspan.experiment.converging import condition_convergence, span_convergence
from memspan.experiment.course import Course
from memspan.experiment.digest import Digest, digests
from memspan.experiment.grid import conditions
from memspan.experiment.kept_spans import kept_span
from memspan.experiment.matches import matches
from memspan.experiment.report import score_metric
from memspan.experiment.run_row import RunRow
from memspan.experiment.series import all_series, grows
from memspan.experiment.solving import steps_to_solve
from memspan.experiment.spec import ExperimentSpec
from memspan.experiment.trained_runs import STEPS
from memspan.statistics.notation import span_with_interval
from memspan.statistics.summary import Summary
from memspan.statistics.wilson import wilson

STATISTICS = tuple(each.name for each in fields(Summary))
FEW = 64
"""lengths of a task up to which baselines are tried out at each of them: at a thousand that takes half a minute"""
TRIED = 24
"""lengths at which they are tried out where there are more"""


def document(
    spec: ExperimentSpec,
    runs: Iterable[RunRow],
    probes: Sequence[Mapping[str, Any]] = (),
    courses: Mapping[int, Course] | None = None,
) -> dict[str, Any]:
    """The results of an experiment, finished or not: conditions, memory spans, baselines and probes.

    Args:
        courses: of validation by epoch, by condition; without them nothing is told of convergence and smaller budgets.
    """
    by_position: dict[int, list[RunRow]] = defaultdict(list)
    for run in runs:
        by_position[run.condition].append(run)
    return document_by_condition(spec, by_position.values(), probes, (courses or {}).get)


def document_by_condition(
    spec: ExperimentSpec,
    groups: Iterable[Sequence[RunRow]],
    probes: Sequence[Mapping[str, Any]] = (),
    course: Callable[[int], Course | None] = lambda position: None,
    written: Callable[[dict[str, Any]], Any] = lambda entry: entry,
) -> dict[str, Any]:
    """The same from runs that come all of a condition at a time, and are let go once looked at.

    Where runs follow from what others found, those conditions are shown that have runs.

    Args:
        course: of the condition at a position, asked when its runs are looked at.
        written: what becomes of each entry of ``conditions``: there may be 20 000, which fill memory as they are.
    """
    whole, tuned = conditions(spec), dict[int, Sequence[RunRow]]()
    found = digests(spec, whole, reported(whole, groups, tuned), course)
    shown = [(c, found.get(i, Digest())) for i, c in enumerate(whole) if i in found or not grows(spec)]
    compared, rankings = comparisons(contestants(spec, shown))
    return {
        "conditions": [written(_condition(spec, condition, digest)) for condition, digest in shown],
        "matched": matches(spec),
        "spans": _spans(spec, shown),
        "searches": _searches(spec, found),
        "tuning": choices(spec, whole, tuned),
        "baselines": _baselines([condition for condition, _ in shown]),
        "comparisons": compared,
        "rankings": rankings,
        "probes": list(probes),
        "claims": [],
    }


def reported(
    grid: Sequence[Condition], groups: Iterable[Sequence[RunRow]], tuned: dict[int, Sequence[RunRow]]
) -> Iterator[Sequence[RunRow]]:
    """The runs that results are about, all of a condition at a time.

    Args:
        tuned: gets the others, by position: they say by what the former were trained, and no more.
    """
    for runs in groups:
        position = runs[0].condition
        if grid[position].is_reported:
            yield runs
        else:
            tuned[position] = runs


def contestants(
    spec: ExperimentSpec,
    shown: Iterable[tuple[Condition, Digest]],
    experiment: str | None = None,
    first: int = 0,
) -> list[Contestant]:
    """Each model on each task, with the lengths that have finished runs.

    Args:
        experiment: its id, where several are compared.
        first: the number of the first contestant.
    """
    return [
        Contestant(
            number,
            *place,
            spec.training,
            {condition.length: digest for condition, digest in own},
            experiment,
            {condition.length: condition.training for condition, _ in own},
        )
        for number, (place, own) in enumerate(_by_model(shown).items(), start=first)
    ]


def _by_model(shown: Iterable[tuple[Condition, Digest]]) -> dict[tuple[Any, Any], list[tuple[Condition, Digest]]]:
    """The conditions with finished runs of each model on each task, in the order of the grid.

    Neighbours share the very objects, so that of a thousand lengths these are compared as values only once.
    """
    found: dict[tuple[Any, Any], list[tuple[Condition, Digest]]] = defaultdict(list)
    done = (each for each in shown if each[1].succeeded)
    for _, some in groupby(done, key=lambda each: (id(each[0].task), id(each[0].model))):
        own = list(some)
        found[own[0][0].task, own[0][0].model] += own
    return found


def _condition(spec: ExperimentSpec, condition: Condition, digest: Digest) -> dict[str, Any]:
    """One entry of ``conditions``."""
    network = condition.network()
    return {
        **_place(condition),
        "runs": {
            "total": digest.total,
            "succeeded": digest.succeeded,
            "failed": digest.failed,
            "diverged": digest.diverged,
        },
        "metric": score_metric(condition.task, condition.extent),
        "metrics": {name: _statistic(summary) for name, summary in digest.summaries.items()},
        "success": _success(digest.solved, digest.succeeded),
        "budget": budget(spec.training, [condition.training]),
        "convergence": condition_convergence(digest),
        "parameters": network.parameters,
        "inner_parameters": network.inner_parameters,
        "state_size": network.state_size,
        "receptive_field": network.receptive_field,
        "steps_to_solve": steps_to_solve(digest.to_solve),
        "seconds_per_epoch": None if digest.seconds is None else digest.seconds / _epochs(condition, digest),
        "by_lag": None if digest.by_lag is None else by_lag_document(digest.by_lag, condition),
        "engine": digest.engine,
        "processors": list(digest.processors),
    }


def _epochs(condition: Condition, digest: Digest) -> float:
    """Epochs of a run, on average where runs end when they have converged."""
    steps, training = digest.summaries.get(STEPS), condition.training
    return training.most_epochs if steps is None else steps.mean / training.steps_per_epoch


def _statistic(summary: Summary) -> dict[str, Any]:
    """A metric over repeats; one alone has no interval."""
    values = {name: getattr(summary, name) for name in STATISTICS}
    return values | ({"low": None, "high": None} if summary.n == 1 else {})


def _success(solved: int, n: int) -> dict[str, Any]:
    """The share of repeats that solved the task; of one alone without an interval."""
    interval = wilson(solved, n)
    known = n > 1
    return {
        "rate": solved / n if n else None,
        "low": interval.low if known else None,
        "high": interval.high if known else None,
        "n": n,
    }


def _place(condition: Condition) -> dict[str, Any]:
    return {
        "task": condition.task.model_dump(mode="json"),
        "model": condition.model.model_dump(mode="json"),
        "length": condition.length,
    }


def _spans(spec: ExperimentSpec, shown: Sequence[tuple[Condition, Digest]]) -> list[dict[str, Any]]:
    """The memory span of each task and model over the lengths that have finished runs."""
    by_model = _by_model(each for each in shown if each[0].length is not None)
    return [
        {"task": task.model_dump(mode="json"), "model": model.model_dump(mode="json"), **_span(spec, found)}
        for (task, model), found in by_model.items()
    ]


def _span(spec: ExperimentSpec, found: Sequence[tuple[Condition, Digest]]) -> dict[str, Any]:
    """One entry of ``spans``, of conditions that all have finished runs; one repeat at each has no interval."""
    lengths = [(condition.extent, digest) for condition, digest in found]
    digests = [digest for _, digest in found]
    done = [digest.succeeded for digest in digests]
    span = kept_span([length for length, _ in lengths], [digest.solved for digest in digests], done)
    if span is None:
        raise AssertionError("a span was asked for where nothing was measured")
    values = asdict(span) | ({"low": None, "high": None} if max(done) == 1 else {})
    return {
        **values,
        "written": str(span_with_interval(values)),
        "budget": budget(spec.training, [condition.training for condition, _ in found]),
        "convergence": span_convergence(digests),
        "by_budget": spans_by_budget(spec, lengths),
    }


def _searches(spec: ExperimentSpec, found: Mapping[int, Digest]) -> list[dict[str, Any]]:
    """How far the search for each span is. The runs of a round are there as soon as those before have ended."""
    grid = conditions(spec)
    return [
        {
            "task": grid[series.positions.start].task.model_dump(mode="json"),
            "model": grid[series.positions.start].model.model_dump(mode="json"),
            "rounds": max((digest.rounds for digest in asked), default=0),
            "lengths": len(asked),
            "runs": sum(digest.total for digest in asked),
            "most_runs": series.search.most_lengths(spec.repeats) * spec.repeats,
            "over": not any(digest.open for digest in asked),
        }
        for series in all_series(spec)
        if series.search
        for asked in [[found[position] for position in series.positions if position in found]]
    ]


def _baselines(grid: Sequence[Condition]) -> list[dict[str, Any]]:
    """Each task's baselines: once where the value is the same at every length, else once for each length."""
    extents: dict[Any, dict[int, int | None]] = defaultdict(dict)
    for condition in grid:
        extents[condition.task][condition.extent] = condition.length
    return [entry for task, lengths in extents.items() for entry in _of_task(task, lengths)]


def _of_task(task: Any, lengths: Mapping[int, int | None]) -> Iterator[dict[str, Any]]:
    """Args: lengths: by the extent that they stand for."""
    values: dict[tuple[str, str], dict[int | None, float]] = defaultdict(dict)
    tried = _spread([*lengths])
    for extent, length in lengths.items():
        for baseline in (*task.baselines(extent), *(task.tried_out(extent) if extent in tried else ())):
            values[baseline.name, baseline.metric][length] = baseline.value
    for (name, metric), by_length in values.items():
        yield from _baseline(task, name, metric, by_length)


def _spread(lengths: Sequence[int]) -> set[int]:
    """Those of some lengths at which baselines are tried out: all of few, and of many some that are evenly spread."""
    places = np.linspace(0, len(lengths) - 1, len(lengths) if len(lengths) <= FEW else TRIED)
    return {lengths[round(float(place))] for place in places}


def _baseline(task: Any, name: str, metric: str, by_length: Mapping[int | None, float]) -> list[dict[str, Any]]:
    entry = {"task": task.model_dump(mode="json"), "name": name, "metric": metric}
    if len(set(by_length.values())) == 1:
        return [{**entry, "value": next(iter(by_length.values()))}]
    return [{**entry, "value": value, "length": length} for length, value in by_length.items()]
