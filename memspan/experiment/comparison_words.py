"""Comparisons in one sentence each: which is better, by how much, how sure, and after which training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memspan.experiment.contestant import Contestant
from memspan.statistics.comparison import Contrast
from memspan.statistics.notation import number, with_interval

if TYPE_CHECKING:
    from memspan.experiment.comparing import Comparison

BOUNDS = {"at_least": "at least ", "at_most": "at most "}


def sentence(found: Comparison) -> str:
    """The answer, with what it rests on."""
    a, b = names((found.a, found.b))
    where = "" if found.length is None else f" at length {number(found.length)}"
    parts = [_answer(found, a, b), where, f" ({_numbers(found)})", f", {_sure(found)}.", _training(found)]
    return "".join(parts)


def names(contestants: Sequence[Contestant]) -> list[str]:
    """Short names that tell contestants apart."""
    from memspan.figures.label import label  # charts take a second to import; workers never draw

    models = [each.model.model_dump(mode="json") for each in contestants]
    labels = [label(model, models) for model in models]
    return [
        name if each.experiment is None else f"{name} of {each.experiment}"
        for name, each in zip(labels, contestants, strict=True)
    ]


def _answer(found: Comparison, a: str, b: str) -> str:
    """Who is better, or that nobody can tell."""
    verbs = {"span": "remembers longer than", "steps_to_solve": "solves it in fewer steps than"}
    verb = verbs.get(found.metric, f"has the better {found.metric.replace('_', ' ')} than")
    if found.told_apart:
        first, second = (a, b) if found.better >= 0.5 else (b, a)
        return f"{first} {verb} {second}"
    return f"It can't be told whether {a} {verb} {b}"


def _numbers(found: Comparison) -> str:
    """The two numbers and their ratio, or their difference."""
    turned = found.told_apart and found.better < 0.5  # the better one is named first
    first, second = (found.b, found.a) if turned else (found.a, found.b)
    if found.metric == "span":
        ratio = found.ratio.inverted() if turned else found.ratio
        return f"{first.written} against {second.written} steps{_times(ratio)}"
    return f"difference {_contrast(found.difference.negated() if turned else found.difference, found.n)}"


def _times(ratio: Contrast) -> str:
    if ratio.value is None:
        return "; nothing bounds their ratio"
    return f"; ratio {BOUNDS.get(ratio.bound or '', '')}{with_interval(ratio.value, ratio.low, ratio.high)}"


def _contrast(away: Contrast, n: int) -> str:
    if away.value is None:
        return "unknown"
    shown = number(away.value) if n < 2 else str(with_interval(away.value, away.low, away.high))
    return f"{BOUNDS.get(away.bound or '', '')}{shown}"


def _sure(found: Comparison) -> str:
    repeats = f"{found.n} repeat{'s' if found.n > 1 else ''} each"
    if found.adjusted is None:
        return f"{repeats}: too few to tell"
    family = f" by Holm over {found.family}" if found.family > 1 else ""
    return f"p = {number(float(f'{found.adjusted:.2g}'))}{family}, {repeats}"


def _training(found: Comparison) -> str:
    """What stands in the way of an answer about the models themselves."""
    from memspan.experiment.budget import budget
    from memspan.figures.training_words import trainings_words

    told = trainings_words([budget(each.training, each.trained_at(found.length)) for each in (found.a, found.b)])
    first = f" After {' and '.join(told)}" if found.same_budget else f" Not by the same training: {' and '.join(told)}"
    if found.both_converged:
        return f"{first}; both had converged."
    return f"{first}; not all had converged, so more training may change it."


def ranking_sentence(ranked: Sequence[Contestant], ranks: Sequence[int]) -> str:
    """From the longest memory to the shortest; those that can't be told apart stand together."""
    groups: dict[int, list[str]] = {}
    for name, rank in zip(names(ranked), ranks, strict=True):
        groups.setdefault(rank, []).append(name)
    told = "; ".join(f"{rank}. {' = '.join(own)}" for rank, own in groups.items())
    return f"By memory span: {told}. Models with the same rank can't be told apart."
