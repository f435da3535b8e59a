"""Results: what the runs of an experiment say about each condition, with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from memspan.engine.condition import Condition
from memspan.experiment.budget import budget, spans_by_budget
from memspan.experiment.choices import choices
from memspan.experiment.comparing import comparisons
from memspan.experiment.contestant import Contestant
from memspan.experiment.converging import condition_convergence, span_convergence
from memspan.experiment.course import Course
from memspan.experiment.digest import Digest, digests
from memspan.experiment.grid import conditions
from memspan.experiment.matches import matches
from memspan.experiment.report import score_metric
from memspan.experiment.run_row import RunRow
from memspan.experiment.series import all_series, grows
from memspan.experiment.solving import steps_to_solve
from memspan.experiment.spec import ExperimentSpec
from memspan.experiment.trained_runs import STEPS
from memspan.statistics.notation import span_with_interval
from memspan.statistics.span import memory_span
from memspan.statistics.summary import Summary
from memspan.statistics.wilson import wilson
from memspan.training import Training


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
) -> dict[str, Any]:
    """The same from runs that come all of a condition at a time, and are let go once looked at.

    Where runs follow from what others found, those conditions are shown that have runs.

    Args:
        course: of the condition at a position, asked when its runs are looked at.
    """
    whole, tuned = conditions(spec), dict[int, Sequence[RunRow]]()
    found = digests(spec, whole, reported(whole, groups, tuned), course)
    shown = [(c, found.get(i, Digest())) for i, c in enumerate(whole) if i in found or not grows(spec)]
    compared, rankings = comparisons(contestants(spec, shown))
    return {
        "conditions": [_condition(spec, condition, digest) for condition, digest in shown],
        "matched": matches(spec),
        "spans": _spans(spec, shown),
        "searches": _searches(spec, found),
        "tuning": choices(spec, tuned),
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
    by_model: dict[tuple[Any, Any], dict[int | None, Digest]] = defaultdict(dict)
    trained: dict[tuple[Any, Any], dict[int | None, Training]] = defaultdict(dict)
    for condition, digest in shown:
        if digest.succeeded:
            by_model[condition.task, condition.model][condition.length] = digest
            trained[condition.task, condition.model][condition.length] = condition.training
    return [
        Contestant(number, *place, spec.training, digests, experiment, trained[place])
        for number, (place, digests) in enumerate(by_model.items(), start=first)
    ]


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
        "engine": digest.engine,
        "processors": list(digest.processors),
    }


def _epochs(condition: Condition, digest: Digest) -> float:
    """Epochs of a run, on average where runs end when they have converged."""
    steps, training = digest.summaries.get(STEPS), condition.training
    return training.most_epochs if steps is None else steps.mean / training.steps_per_epoch


def _statistic(summary: Summary) -> dict[str, Any]:
    """A metric over repeats; one alone has no interval."""
    return asdict(summary) | ({"low": None, "high": None} if summary.n == 1 else {})


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
    by_model: dict[tuple[Any, Any], list[tuple[Condition, Digest]]] = defaultdict(list)
    for condition, digest in shown:
        if condition.length is not None and digest.succeeded:
            by_model[condition.task, condition.model].append((condition, digest))
    return [
        {"task": task.model_dump(mode="json"), "model": model.model_dump(mode="json"), **_span(spec, found)}
        for (task, model), found in by_model.items()
    ]


def _span(spec: ExperimentSpec, found: Sequence[tuple[Condition, Digest]]) -> dict[str, Any]:
    """One entry of ``spans``, of conditions that all have finished runs; one repeat at each has no interval."""
    lengths = [(condition.extent, digest) for condition, digest in found]
    digests = [digest for _, digest in found]
    done = [digest.succeeded for digest in digests]
    span = memory_span([length for length, _ in lengths], [digest.solved for digest in digests], done)
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
