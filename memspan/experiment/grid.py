"""The grid of an experiment: its conditions."""

from __future__ import annotations

from dataclasses import replace

from memspan.engine.condition import Condition
from memspan.experiment.goal import goal_of
from memspan.experiment.lengths import expanded
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.task import TaskSpec


def conditions(spec: ExperimentSpec) -> tuple[Condition, ...]:
    """All conditions, ordered by task, model and length."""
    return tuple(
        _with_goal(spec, Condition(task, model, length, spec.training, spec.seed, spec.report.checkpoint))
        for task in spec.tasks
        for model in spec.models
        for length in (lengths_of(spec) if task.has_length else (None,))
    )


def _with_goal(spec: ExperimentSpec, condition: Condition) -> Condition:
    """A condition whose runs are trained until they have converged knows what they are to reach."""
    return replace(condition, goal=goal_of(spec.report, condition)) if spec.training.until_converged else condition


def lengths_of(spec: ExperimentSpec) -> tuple[int, ...]:
    """The lengths asked for, ascending; of a search all that it may ask for. Empty where none are given."""
    return expanded(spec.lengths) if spec.lengths is not None else ()


def longest_of(spec: ExperimentSpec, task: TaskSpec) -> int:
    """The longest sequences of a task in its own measure; the least that it takes where none are long enough."""
    lengths = lengths_of(spec) if task.has_length else ()
    return max([task.minimum_length, *lengths])
