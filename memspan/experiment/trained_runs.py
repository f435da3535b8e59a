"""The runs of a condition as they stand: which solved it, how they ended, and which would have with less training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log, nan

import numpy as np

from memspan.engine.condition import Condition
from memspan.experiment.course import Course, bound_of, budget_epochs, criterion_of, judged_by, tail_epochs
from memspan.experiment.report import score_metric
from memspan.experiment.run_row import RunRow
from memspan.experiment.spec import ExperimentSpec
from memspan.statistics.bootstrap import Floats
from memspan.statistics.convergence import Guessing, State, guessed_classes, guessed_numbers, states

STEPS = "steps"
"""metric of runs that are trained until they have converged: after how many optimiser steps that was"""
Needed = tuple[tuple[int, bool], ...]
"""of each run its optimiser steps, and whether it had solved its task by then"""
GUESSES = ("chance", "majority_class")
"""baselines of answers that look at nothing"""


@dataclass(frozen=True)
class TrainedRuns:
    """The runs of a condition in whatever state, and the course of those that have ended.

    Attributes:
        course: None where nothing is known of it.
    """

    spec: ExperimentSpec
    condition: Condition
    runs: Sequence[RunRow]
    course: Course | None = None

    @cached_property
    def done(self) -> tuple[RunRow, ...]:
        """The runs that have succeeded, diverged ones too."""
        return tuple(run for run in self.runs if run.state == "succeeded")

    @cached_property
    def solved(self) -> tuple[bool, ...]:
        """Which of those met the criterion; a diverged run never does."""
        criterion = criterion_of(self.spec, self.condition)
        variance = self.condition.task.target_variance(self.condition.extent)
        return tuple(run.diverged_at is None and criterion.holds(run.metrics, variance) for run in self.done)

    @cached_property
    def ends(self) -> tuple[State, ...]:
        """Whether training had come to its end, for each of those."""
        diverged = np.array([run.diverged_at is not None for run in self.done], dtype=bool)
        over = np.array([*map(self._over, self.done, self.solved)], dtype=bool)
        return states(self._errors(), over, diverged, self._guessing())

    def _over(self, run: RunRow, solved: bool) -> bool:
        """Whether a run had nothing more to learn: it was solved, or ended before its time by the rule for that."""
        return solved or run.metrics.get(STEPS, self._most_steps) < self._most_steps

    @property
    def _most_steps(self) -> int:
        return self.spec.training.most_epochs * self.spec.training.steps_per_epoch

    @property
    def scores(self) -> tuple[float, ...]:
        """The final score of each of those; NaN where it diverged."""
        name = score_metric(self.condition.task, self.condition.extent)
        return tuple(nan if run.diverged_at is not None else run.metrics.get(name, nan) for run in self.done)

    @property
    def to_solve(self) -> Needed:
        """Optimiser steps after which each first met the criterion on the validation set, or went without; one that
        diverged never does."""
        if self.course is None:
            return ()
        each = [None if run.diverged_at is not None else self.course.first_met.get(run.repeat) for run in self.done]
        return tuple(
            (self._watched(run) if epoch is None else epoch * self.spec.training.steps_per_epoch, epoch is not None)
            for run, epoch in zip(self.done, each, strict=True)
        )

    def _watched(self, run: RunRow) -> int:
        """For how many steps a run was watched; of one that diverged it is known what would have come of more."""
        return self._most_steps if run.diverged_at is not None else int(run.metrics.get(STEPS, self._most_steps))

    @property
    def met(self) -> tuple[int, ...]:
        """How many met the criterion after each of the ``budget_epochs``; empty where their course is not known.

        Success is judged on the validation set, which is scored after every epoch. Where the reported checkpoint is
        the best one, the best value so far counts.
        """
        if self.course is None or not self.done:
            return ()
        above, bound = bound_of(self.spec, self.condition)
        values = self._by_budget(self.course)
        if self.condition.checkpoint == "best":
            values = (np.fmax if above else np.fmin).accumulate(values, axis=1)
        there = values >= bound if above else values <= bound
        there[[run.diverged_at is not None for run in self.done]] = False
        return tuple(map(int, there.sum(axis=0)))

    def _by_budget(self, known: Course) -> Floats:
        """What each validated after each of the ``budget_epochs``; one that has converged stays as it ended (n, E)."""
        training, name = self.spec.training, f"validation_{judged_by(self.spec, self.condition)}"
        epochs = np.array(budget_epochs(training.most_epochs))
        values = known.at([run.repeat for run in self.done], epochs.tolist())
        for row, run in zip(values, self.done, strict=True):
            if STEPS in run.metrics:
                row[epochs >= run.metrics[STEPS] / training.steps_per_epoch] = run.metrics[name]
        return values

    def _errors(self) -> Floats:
        """The validated errors of the last epochs: shares of wrong answers, or losses (n, k)."""
        if self.course is None or not self.done:
            return np.empty((len(self.done), 0))
        values = self.course.at([run.repeat for run in self.done], tail_epochs(self.spec.training.most_epochs))
        return values if judged_by(self.spec, self.condition) == "loss" else 1 - values

    def _guessing(self) -> Guessing | None:
        """How well an answer does that looks at nothing."""
        name, task, extent = judged_by(self.spec, self.condition), self.condition.task, self.condition.extent
        sequences = self.condition.training.validation_size
        if name == "loss":
            variance = task.target_variance(extent)
            # A classification's loss is that of equal probabilities for all classes; its deviation is taken as that
            # of a variance, which is more than it is.
            error = log(self.condition.signature.outputs) if variance is None else variance
            return guessed_numbers(error, sequences)
        found = [b.value for b in task.baselines(extent) if b.metric == f"test_{name}" and b.name in GUESSES]
        return guessed_classes(max(found), sequences) if found else None
