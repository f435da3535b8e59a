"""The goal of runs that are trained until they have converged: what success is judged by, on the validation set."""

from __future__ import annotations

from memspan.engine.condition import Condition
from memspan.engine.ending import Goal, guessing_loss
from memspan.experiment.report import Report


def goal_of(report: Report, condition: Condition) -> Goal:
    """What a run of a condition is to reach."""
    task, extent = condition.task, condition.extent
    criterion = report.criterion(task, extent)
    above, bound = criterion.bound(task.target_variance(extent))
    guessing = guessing_loss(task, extent, condition.signature, condition.training.validation_size)
    return Goal(f"validation_{criterion.metric.partition('_')[2]}", above, bound, guessing)
