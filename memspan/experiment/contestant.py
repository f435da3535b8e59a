"""A contestant: one model on one task at all its lengths, as comparisons take it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import inf

import numpy as np

from memspan.experiment.converging import span_convergence
from memspan.experiment.digest import Digest
from memspan.experiment.kept_spans import kept_span
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.task import TaskSpec
from memspan.statistics.bootstrap import Floats, resampled
from memspan.statistics.comparison import Bounded, known
from memspan.statistics.notation import span_with_interval
from memspan.statistics.span import Span
from memspan.statistics.span_comparison import bounded_span
from memspan.training import Training, any_setting

UNTRAINED = ("validation_size", "test_size")
"""what of a training changes no run, but how exactly it is known"""


@dataclass(frozen=True)
class Contestant:
    """A model on a task, with what became of its runs at each length.

    Attributes:
        number: among those that are compared; their draws have nothing to do with each other.
        training: as it was asked for: where numbers of it are tuned, what was tried.
        experiment: its id; None where all are of one.
        trained: by what its runs were trained at each length: where numbers are tuned, by those that were chosen.
        digests: by length, those that have finished runs; the key is None for a task without one.
    """

    number: int
    task: TaskSpec
    model: ModelSpec
    training: Training
    digests: dict[int | None, Digest]
    experiment: str | None = None
    trained: dict[int | None, Training] = field(default_factory=dict)

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Ascending; none for a task without one."""
        return tuple(sorted(length for length in self.digests if length is not None))

    @cached_property
    def converged(self) -> bool:
        """Whether all that it has been seen to do would have stayed so with more training."""
        return bool(span_convergence([*self.digests.values()])["state"] == "converged")

    @property
    def budget(self) -> dict[str, object]:
        """How it was trained, without what changes no run.

        The same candidates tried by the same repeats are the same budget, whatever came out best for whom.
        """
        return any_setting(self.training).model_dump(mode="json", exclude=set(UNTRAINED)) | {
            "tuning": self.training.tuning and self.training.tuning.model_dump(mode="json"),
            "candidates": {name: list(values) for name, values in self.training.tuned.items()},
        }

    def trained_at(self, length: int | None) -> list[Training]:
        """By what its runs of a length were trained, or those of all lengths."""
        return [self.trained[length]] if length in self.trained else [*self.trained.values()]

    @cached_property
    def span(self) -> Span | None:
        """Its memory span; None where it has no lengths."""
        return kept_span(self.lengths, *self.outcomes(self.lengths)) if self.lengths else None

    @cached_property
    def written(self) -> str:
        """Its memory span as it is to be shown."""
        if self.span is None:
            return ""
        found = {"span": self.span.span, "low": None, "high": None, "censored": self.span.censored}
        return str(span_with_interval(found))

    def outcomes(self, lengths: tuple[int, ...]) -> tuple[list[int], list[int]]:
        """Successes and repeats at some lengths."""
        digests = [self.digests[length] for length in lengths]
        return [each.solved for each in digests], [each.succeeded for each in digests]

    def repeats(self, lengths: tuple[int | None, ...]) -> int:
        """The fewest at some lengths."""
        return min(self.digests[length].succeeded for length in lengths)

    @cached_property
    def bounded_span(self) -> Bounded:
        """Its memory span with bounds."""
        return bounded_span(self.lengths, *self.outcomes(self.lengths), group=self.number)

    def scores(self, length: int | None) -> Floats:
        """The final score of each repeat; NaN of those that diverged (n,)."""
        return np.array(self.digests[length].scores)

    @cached_property
    def mean_scores(self) -> dict[int | None, Bounded]:
        """By length, over repeats with a finite one."""
        return {length: self._mean_score(length) for length in self.digests}

    def _mean_score(self, length: int | None) -> Bounded:
        values = self.scores(length)
        values = values[np.isfinite(values)]
        if not len(values):
            return Bounded(-inf, inf, np.array([-inf]), np.array([inf]), -inf, inf)
        return known(float(values.mean()), resampled(lambda drawn: drawn.mean(axis=-1), values, self.number))

    def steps(self, length: int | None) -> Floats:
        """Optimiser steps until each repeat had solved it; infinite where it was never seen to (n,)."""
        return np.array([steps if there else inf for steps, there in self.digests[length].to_solve])

    @cached_property
    def median_steps(self) -> dict[int | None, Bounded]:
        """By length, until half had solved it: from the longest that any was watched on where they never did."""
        return {length: self._median_steps(length) for length, digest in self.digests.items() if digest.to_solve}

    def _median_steps(self, length: int | None) -> Bounded:
        watched, values = max(steps for steps, _ in self.digests[length].to_solve), self.steps(length)
        drawn = resampled(lambda each: np.median(each, axis=-1), values, self.number)
        found = float(np.median(values))
        least, drawn_least = min(found, watched), np.minimum(drawn, watched)
        return Bounded(least, found, drawn_least, drawn, least, found)
