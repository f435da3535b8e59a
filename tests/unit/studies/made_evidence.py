"""Evidence made by hand: what a study would have stored if its runs had ended as a test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from memspan.claims.evidence import Evidence, ExperimentEvidence, History
from memspan.claims.study import StudySpec
from memspan.claims.verdict import Judgement, judged
from memspan.engine.condition import Condition
from memspan.experiment.grid import conditions
from memspan.experiment.run_row import RunRow
from memspan.experiment.spec import ExperimentSpec
from memspan.studies import experiments
from memspan.training import trainings

Metrics = Callable[[Condition, int], Mapping[str, float]]
"""(condition, repeat) -> final metrics"""
Lines = Callable[[Condition, int], Mapping[str, Sequence[float]]]
"""(condition, repeat) -> metrics of every epoch"""


def verdicts(study: StudySpec, metrics: Metrics, **fields: Any) -> dict[str, Judgement]:
    """The judgements of a study by the ids of its claims."""
    return {each.claim.id: each for each in judged(study.claims, evidence(study, metrics, **fields))}


def evidence(
    study: StudySpec,
    metrics: Metrics,
    seconds: Callable[[Condition], float] = lambda condition: 1.0,
    lines: Lines = lambda condition, repeat: {},
    readings: Callable[[ExperimentSpec], Sequence[Mapping[str, Any]]] = lambda spec: (),
) -> Evidence:
    """All experiments of a study, every run of them done."""
    return Evidence(
        study.scale,
        {
            name: ExperimentEvidence(name, spec, _rows(spec, metrics, seconds), readings(spec), _histories(spec, lines))
            for name, spec in experiments(study).items()
        },
    )


def _rows(spec: ExperimentSpec, metrics: Metrics, seconds: Callable[[Condition], float]) -> list[RunRow]:
    """What is reported; where numbers are tuned, as if the first setting had been chosen everywhere."""
    setting = trainings(spec.training)[0]
    return [
        RunRow(index, repeat, "succeeded", metrics(condition, repeat), seconds=seconds(condition))
        for index, condition in enumerate(conditions(spec))
        if condition.is_reported and condition.training == setting
        for repeat in range(spec.repeats)
    ]


def _histories(spec: ExperimentSpec, lines: Lines) -> Callable[[int], Mapping[int, History]]:
    grid = conditions(spec)
    return lambda place: {repeat: lines(grid[place], repeat) for repeat in range(spec.repeats)}
