"""Networks beside ridge regression: which history each of them needs, and all together, on the same points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from memspan.interfaces.readings import Curve
from memspan.needed_history.answer import Answer, Used
from memspan.needed_history.asking import RIDGE
from memspan.needed_history.finding import Finding
from memspan.needed_history.judgement import Judgement
from memspan.needed_history.losses import Losses
from memspan.needed_history.nets import LEARNERS, Nets, checked
from memspan.needed_history.windows import windows
from memspan.probes import measure
from memspan.probes.context import Context

RUNGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)
"""contexts that networks are trained for first"""
REFINED = 4
"""contexts that may be added one by one where the answer lies between two of them"""
LONGEST = 96


@dataclass
class Class:
    """The learners that are asked together.

    Attributes:
        nets: of each kind, with its rate.
        ridge: losses of ridge regression at all contexts.
    """

    nets: tuple[Nets, ...]
    ridge: Losses
    horizon: int

    def judged(self, contexts: Sequence[int]) -> tuple[Judgement, ...]:
        """Each network at some contexts; trains what was not trained yet."""
        return tuple(Judgement(net.losses(contexts, self.ridge), self.horizon) for net in self.nets)

    def best(self, contexts: Sequence[int]) -> Judgement:
        """At each context whichever learner loses least."""
        found = [judged.losses for judged in self.judged(contexts)]
        return Judgement(best_of([on_points(self.ridge, found[0]), *found]), self.horizon)


def with_nets(answer: Answer, learners: Sequence[str]) -> Answer:
    """An answer of ridge regression, with networks beside it; the headline is about the best of all of them.

    Raises:
        UnusableSeries: there is no such learner.
    """
    names = checked(learners)
    if not names:
        return answer
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # small networks are fastest, and repeatable to the bit
    try:
        return _learned(answer, names)
    finally:
        torch.set_num_threads(before)


def _learned(answer: Answer, names: Sequence[str]) -> Answer:
    ridge = answer.finding.judged
    points = windows(answer.series, answer.finding.longest)
    asked = Class(tuple(Nets(name, points) for name in names), ridge.losses, answer.series.horizon)
    contexts = _first_contexts(answer)
    for net in asked.nets:
        net.tune(contexts[-1])
    best = asked.best(contexts)
    for _ in range(REFINED):
        between = _between(contexts, best.headline.steps)
        if between is None:
            break
        contexts = sorted({*contexts, between})
        best = asked.best(contexts)
    findings = [
        Finding(judged, LEARNERS[net.learner].model_dump(mode="json"))
        for net, judged in zip(asked.nets, asked.judged(contexts), strict=True)
    ]
    line = on_points(ridge.losses, findings[0].judged.losses, ridge.losses.contexts)
    used = tuple(_used(net, contexts[-1]) for net in asked.nets)
    return replace(
        answer,
        finding=Finding(best, {"kind": "best", "learners": ["ridge", *names]}),
        learners=(Finding(Judgement(line, answer.series.horizon), RIDGE), *findings),
        used=used,
    )


def _first_contexts(answer: Answer) -> list[int]:
    longest = min(answer.finding.longest, LONGEST)
    steps = answer.steps
    near = {steps - 1, steps} if 0 < steps <= longest else set()
    return sorted({0, *(rung for rung in RUNGS if rung < longest), *near, longest})


def _between(contexts: Sequence[int], steps: int) -> int | None:
    """The middle of the contexts below the answer that were not tried; None where there is none."""
    below = max((each for each in contexts if each < steps), default=steps)
    return (below + steps) // 2 if steps - below > 1 else None


def on_points(losses: Losses, like: Losses, contexts: NDArray[np.int64] | None = None) -> Losses:
    """Losses at the test points of others, and at some contexts, by default theirs; both are contained in them."""
    rows = np.isin(losses.points, like.points)
    chosen = like.contexts if contexts is None else contexts
    columns: NDArray[np.int64] = np.searchsorted(losses.contexts, chosen)
    squared = losses.squared[np.ix_(rows, columns)]
    return replace(
        losses,
        contexts=chosen,
        squared=squared,
        absolute=np.sqrt(squared).mean(axis=0),
        persistence=losses.persistence[rows],
        points=losses.points[rows],
    )


def best_of(several: Sequence[Losses]) -> Losses:
    """At each context the learner that loses least there."""
    means = np.array([each.squared.mean(axis=0) for each in several])
    chosen = means.argmin(axis=0)
    first = several[0]
    return replace(
        first,
        learner="best",
        squared=np.column_stack([several[who].squared[:, place] for place, who in enumerate(chosen)]),
        absolute=np.array([several[who].absolute[place] for place, who in enumerate(chosen)]),
        repeats=None,
    )


def _used(net: Nets, length: int) -> Used:
    """How far back the models look that know the longest context: the probe ``context``, another question."""
    probe = Context(sequences=min(len(net.test), 500))
    reading = measure(probe, net.model(length), net.task, length, torch.Generator().manual_seed(net.seed))
    assert isinstance(reading, Curve)  # noqa: S101, what this probe gives
    scores = reading.scores
    return Used(
        LEARNERS[net.learner].kind,
        length,
        scores["effective_context"],
        scores.get("effective_context_low"),
        scores.get("effective_context_high"),
    )
