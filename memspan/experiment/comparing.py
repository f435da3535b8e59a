"""Comparisons of models: of memory spans, and at each length of scores and of the steps that they needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import inf, isnan
from typing import Any

import numpy as np

from memspan.experiment.comparison_words import ranking_sentence, sentence
from memspan.experiment.contestant import Contestant
from memspan.experiment.report import score_metric
from memspan.statistics.bootstrap import Floats
from memspan.statistics.comparison import Bounded, Contrast, beats, difference, finite, rank_test, ratio
from memspan.statistics.holm import holm
from memspan.statistics.span_comparison import span_test

MOST = 12
"""models of a task that are compared with each other: 66 pairs; of more none is"""
PLACES = 300
"""pairs x lengths up to which scores and steps are compared at each length; of more only memory spans are"""
RUNS = 5_000
"""of a task, up to which that is so: every one of them is drawn thousands of times"""
FEWEST = 3
"""repeats of both without which nothing is said about a difference"""
SIGNIFICANT = 0.05
"""probability, after Holm's correction, below which two models are told apart"""


@dataclass(frozen=True)
class Comparison:
    """One number of two contestants.

    Attributes:
        length: None of a memory span, and of tasks without one.
        better: the probability that a random run of ``a`` beats one of ``b``.
        p: how probable so large a difference is where there is none; None of fewer than three repeats.
        adjusted: the same by Holm over ``family`` comparisons, all of one metric on one task.
    """

    a: Contestant
    b: Contestant
    metric: str
    length: int | None
    difference: Contrast
    ratio: Contrast
    better: float
    n: int
    p: float | None
    adjusted: float | None = None
    family: int = 0

    @property
    def told_apart(self) -> bool:
        """Whether a difference is more than chance explains."""
        return self.adjusted is not None and self.adjusted < SIGNIFICANT

    @property
    def same_budget(self) -> bool:
        return self.a.budget == self.b.budget

    @property
    def both_converged(self) -> bool:
        return self.a.converged and self.b.converged

    def document(self) -> dict[str, Any]:
        """As results show it; without an interval where there is a single repeat."""
        single = self.n < 2
        away, times = self.difference, self.ratio
        return {
            "task": self.a.task.model_dump(mode="json"),
            "a": _named(self.a),
            "b": _named(self.b),
            "metric": self.metric,
            "length": self.length,
            "difference": None if away.value is None else finite(away.value),
            "low": None if single else finite(away.low),
            "high": None if single else finite(away.high),
            "ratio": None if times.value is None else finite(times.value),
            "ratio_low": None if single else finite(times.low),
            "ratio_high": None if single else finite(times.high),
            "bound": away.bound,
            "probability_a_better": self.better,
            "n": self.n,
            "p": self.p,
            "adjusted_p": self.adjusted,
            "family": self.family,
            "same_budget": self.same_budget,
            "both_converged": self.both_converged,
            "sentence": sentence(self),
        }


def comparisons(contestants: Sequence[Contestant]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All pairs on a task with each other, and a ranking for each task."""
    by_task: dict[Any, list[Contestant]] = defaultdict(list)
    for each in contestants:
        by_task[each.task].append(each)
    found, rankings = list[dict[str, Any]](), list[dict[str, Any]]()
    for task, own in by_task.items():
        if 2 <= len(own) <= MOST:
            pairs = [*combinations(own, 2)]
            each_length = len(pairs) * max(len(one.digests) for one in own) <= PLACES and _runs(own) <= RUNS
            compared = _corrected([one for a, b in pairs for one in _pair(a, b, each_length)])
            found += [each.document() for each in compared]
            rankings += _ranking(task, own, [each for each in compared if each.metric == "span"])
    return found, rankings


def _runs(own: Sequence[Contestant]) -> int:
    return sum(digest.succeeded for one in own for digest in one.digests.values())


def _named(contestant: Contestant) -> dict[str, Any]:
    model = contestant.model.model_dump(mode="json")
    return model if contestant.experiment is None else {"experiment": contestant.experiment, "model": model}


def _pair(a: Contestant, b: Contestant, each_length: bool) -> Iterator[Comparison]:
    """All that two contestants can be compared by."""
    if a.lengths and b.lengths:
        yield _spans(a, b)
    for length in [each for each in a.digests if each in b.digests and each_length]:
        yield _scores(a, b, length)
        if a.digests[length].to_solve and b.digests[length].to_solve:
            yield _steps(a, b, length)


def _spans(a: Contestant, b: Contestant) -> Comparison:
    """By the lengths that half of the repeats solve."""
    shared = tuple(length for length in a.lengths if length in b.lengths)
    n = min(a.repeats(a.lengths), b.repeats(b.lengths))
    better, p = 0.5, None
    if shared:
        (won_a, of_a), (won_b, of_b) = a.outcomes(shared), b.outcomes(shared)
        rates = np.array(won_a) / of_a, np.array(won_b) / of_b
        better = float((0.5 + (rates[0] - rates[1]) / 2).mean())
        p = span_test(shared, (won_a, of_a), (won_b, of_b)) if n >= FEWEST else None
    return Comparison(a, b, "span", None, *_apart(a.bounded_span, b.bounded_span), better, n, p)


def _scores(a: Contestant, b: Contestant, length: int | None) -> Comparison:
    """By the final score; a run that diverged is worse than any other."""
    metric = score_metric(a.task, a.task.minimum_length if length is None else length)
    lower = metric == "test_loss"
    one, two = (_worst(each.scores(length), lower) for each in (a, b))
    return _compared(a, b, metric, length, (a.mean_scores[length], b.mean_scores[length]), one, two)


def _steps(a: Contestant, b: Contestant, length: int | None) -> Comparison:
    """By the steps that they needed."""
    medians = a.median_steps[length], b.median_steps[length]
    return _compared(a, b, "steps_to_solve", length, medians, -a.steps(length), -b.steps(length))


def _compared(
    a: Contestant,
    b: Contestant,
    metric: str,
    length: int | None,
    numbers: tuple[Bounded, Bounded],
    one: Floats,
    two: Floats,
) -> Comparison:
    """One comparison at a length.

    Args:
        one, two: of each repeat what is better where it is larger.
    """
    n = min(len(one), len(two))
    p = rank_test(one, two) if n >= FEWEST else None
    return Comparison(a, b, metric, length, *_apart(*numbers), beats(one, two), n, p)


def _apart(a: Bounded, b: Bounded) -> tuple[Contrast, Contrast]:
    return difference(a, b), ratio(a, b)


def _worst(values: Floats, lower: bool) -> Floats:
    """Larger is better, and what is no number is the worst."""
    turned = -values if lower else values
    return np.where(np.isnan(turned), -inf, turned)


def _corrected(found: Sequence[Comparison]) -> list[Comparison]:
    """With Holm's correction over all comparisons of one metric."""
    families: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(found):
        if each.p is not None and not isnan(each.p):
            families[each.metric].append(place)
    corrected = list(found)
    for places in families.values():
        for place, adjusted in zip(places, holm([found[at].p or 0.0 for at in places]), strict=True):
            corrected[place] = replace(found[place], adjusted=adjusted, family=len(places))
    return corrected


def _ranking(task: Any, own: Sequence[Contestant], spans: Sequence[Comparison]) -> Iterator[dict[str, Any]]:
    """Which models remember longest: a model's rank is one more than the models that certainly remember longer."""
    if not spans:
        return
    beaten: dict[int, int] = {each.number: 0 for each in own}
    for each in spans:
        if each.told_apart:
            beaten[(each.b if _longer(each) else each.a).number] += 1
    ranked = sorted(own, key=lambda each: (beaten[each.number], -(each.span.span if each.span else 0)))
    yield {
        "task": task.model_dump(mode="json"),
        "models": [
            {"model": _named(each), "rank": 1 + beaten[each.number], "span": each.written} for each in ranked
        ],
        "sentence": ranking_sentence(ranked, [1 + beaten[each.number] for each in ranked]),
    }  # fmt: skip


def _longer(comparison: Comparison) -> bool:
    """Whether the first of two that are told apart remembers longer."""
    return comparison.better > 0.5 if comparison.difference.value is None else comparison.difference.value > 0
