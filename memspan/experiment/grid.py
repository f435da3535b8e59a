"""The grid of an experiment: its conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import log

from memspan.engine.condition import Condition
from memspan.experiment.goal import goal_of
from memspan.experiment.lengths import expanded
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.task import TaskSpec
from memspan.training import trainings


def conditions(spec: ExperimentSpec) -> tuple[Condition, ...]:
    """All conditions, ordered by task, model and length.

    Where numbers of the training are tuned there is one for each setting, of which the chosen one gets runs, and behind
    those that are chosen together one of each setting by which it is chosen.
    """
    return tuple(each for task in spec.tasks for model in spec.models for each in _lengths(spec, task, model))


def _lengths(spec: ExperimentSpec, task: TaskSpec, model: ModelSpec) -> Iterator[Condition]:
    """The conditions of one task and model."""
    asked = lengths_of(spec) if task.has_length else (None,)
    tuning = spec.training.tuning
    if tuning is None:
        yield from (_condition(spec, task, model, length) for length in asked)
    elif tuned_at(spec, task) is None:
        for length in asked:
            yield from _settings(spec, _condition(spec, task, model, length))
            yield from _settings(spec, _of_tuning(_condition(spec, task, model, length)))
    else:
        for length in asked:
            yield from _settings(spec, _condition(spec, task, model, length))
        yield from _settings(spec, _of_tuning(_condition(spec, task, model, tuned_at(spec, task))))


def _condition(spec: ExperimentSpec, task: TaskSpec, model: ModelSpec, length: int | None) -> Condition:
    """A condition; its runs know what they are to reach where they are trained until they have converged."""
    found = Condition(task, model, length, spec.training, spec.seed, spec.report.checkpoint)
    return replace(found, goal=goal_of(spec.report, found)) if spec.training.until_converged else found


def _of_tuning(condition: Condition) -> Condition:
    return replace(condition, purpose="tuning")


def _settings(spec: ExperimentSpec, condition: Condition) -> Iterator[Condition]:
    """A condition by each setting."""
    c = condition  # there may be many thousands: made one by one, and not from each other
    for training in trainings(spec.training):
        yield Condition(c.task, c.model, c.length, training, c.seed, c.checkpoint, c.goal, c.purpose)


def lengths_of(spec: ExperimentSpec) -> tuple[int, ...]:
    """The lengths asked for, ascending; of a search all that it may ask for. Empty where none are given."""
    return expanded(spec.lengths) if spec.lengths is not None else ()


def longest_of(spec: ExperimentSpec, task: TaskSpec) -> int:
    """The longest sequences of a task in its own measure; the least that it takes where none are long enough."""
    lengths = lengths_of(spec) if task.has_length else ()
    return max([task.minimum_length, *lengths])


def tuned_at(spec: ExperimentSpec, task: TaskSpec) -> int | None:
    """The length at which a setting is chosen once for all, the nearest that there is; None where it is at each."""
    asked = spec.training.tuning.length if spec.training.tuning else None
    if asked is None or not task.has_length:
        return None
    wanted = log(asked)
    return min(lengths_of(spec), key=lambda length: (abs(log(length) - wanted), length))
