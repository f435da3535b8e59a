"""Cautions: what a spec may ask for and probably doesn't mean; a plan's warnings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf

from memspan.engine.placement import Placement
from memspan.experiment.grid import lengths_of, tuned_at
from memspan.experiment.matches import matches, strays
from memspan.experiment.matching import WORDS
from memspan.experiment.series import is_search
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.training import RATE, Training

Caution = dict[str, str]
"""pointer, code, message"""
FEW_REPEATS = 10
"""below it most of what still improves is missed, and two models must differ by a lot to be told apart"""
FEW_TUNED = 3
"""repeats of a setting below which its median is that of a lucky or unlucky run"""
FEW_LENGTHS = 3
NARROW = 4.0
"""times the shortest length that the longest must be for a span to lie between them as a rule"""
GAP = 4.0
"""times a length that the next one may be: a span between two neighbours has all of their gap as its interval"""
REACH = 10.0
"""Steps that recurrent networks learn to reach for each unit of learning rate x optimiser steps, as a rule. Measured on
the adding problem: 2.5 units took a GRU to 12 steps and an LSTM to fewer than 5, 5 units to 53 and 22, 7.5 beyond 100
both, and 30 (the study ``span``) to 1 000 and 813."""
SCALED = ("adam", "adamw", "nadam", "rmsprop")
"""optimisers whose steps have the size of the learning rate, whatever the gradient"""
HALVINGS = 60
"""after which nothing is left of a rate that is halved again and again"""


def cautions(spec: ExperimentSpec, by_model: Sequence[Sequence[Placement]]) -> Iterator[Caution]:
    """All of a sound spec.

    Args:
        by_model: the placements of each model's conditions, in the spec's order.
    """
    for index, placed in enumerate(by_model):
        yield from _short_sighted(index, placed)
    for index, model in enumerate(spec.models):
        yield from _tiny(index, model)
    yield from _strayed(spec)
    yield from _too_short(spec, by_model)
    yield from _rarely_repeated(spec)
    yield from _unbracketed(spec)
    yield from _hardly_tuned(spec.training)
    yield from _tuned_elsewhere(spec)


def _short_sighted(index: int, placed: Sequence[Placement]) -> Iterator[Caution]:
    """A receptive field that misses the first step that the answer depends on."""
    blind = [
        (each.condition.signature.length, each.network.receptive_field) for each in placed if _sees_too_little(each)
    ]
    if blind:
        length, field = max(blind)
        message = f"Its receptive field of {field} steps is shorter than length {length}: it can't see all it needs."
        yield {"pointer": f"#/models/{index}", "code": "receptive_field", "message": message}


def _sees_too_little(placement: Placement) -> bool:
    """Whether the answer can't depend on the first step that it should."""
    condition = placement.condition
    field, needed = placement.network.receptive_field, condition.task.relevant_steps(condition.extent)
    return field is not None and bool(needed) and field < condition.signature.length - min(needed)


def _tiny(index: int, model: ModelSpec) -> Iterator[Caution]:
    """A single unit that a match came to; who states it means it, as the first article did."""
    if model.match and getattr(model, "hidden_size", None) in (1, (1,)):
        message = "It comes to one hidden unit: enough to hold a bit, and too little for most tasks. Ask for more."
        yield {"pointer": f"#/models/{index}/match", "code": "one_unit", "message": message}


def _strayed(spec: ExperimentSpec) -> Iterator[Caution]:
    """A match that holds at the longest length alone."""
    for entry in matches(spec):
        if strays(entry):
            message = (
                f"It is matched at length {entry['length']}; over all lengths it has {entry['least']} to "
                f"{entry['most']} {WORDS[entry['goal']]}, of {entry['wanted']}."
            )
            yield {"pointer": f"{entry['pointer']}/match", "code": "matched_at_the_longest", "message": message}


def _too_short(spec: ExperimentSpec, by_model: Sequence[Sequence[Placement]]) -> Iterator[Caution]:
    """Too little training for the longest length, by what the studies showed."""
    reached = REACH * travelled(spec.training)
    lengths = [
        each.condition.signature.length
        for placed in by_model
        for each in placed
        if each.network.state_size and each.condition.length is not None
    ]
    longest = max(lengths, default=0)
    if longest > reached:
        training = spec.training
        message = (
            f"{training.most_epochs * training.steps_per_epoch} optimiser steps at a learning rate of "
            f"{largest_rate(training):g} took recurrent networks to lengths of about {reached:.0f} in the "
            f"studies; the longest here is {longest}. A span may then tell of the training and not of the model."
        )
        yield {"pointer": "#/training/epochs", "code": "few_epochs", "message": message}


def travelled(training: Training) -> float:
    """The sum of the learning rates of all optimiser steps: how far weights go at most, or infinite."""
    if training.optimizer.kind not in SCALED:
        return inf
    steps, rate = training.most_epochs * training.steps_per_epoch, largest_rate(training)
    if training.halve_every is None:
        return rate * (steps if training.schedule is None else training.schedule.total(steps))
    lasting = [max(0, min(training.halve_every, steps - n * training.halve_every)) for n in range(HALVINGS)]
    return rate * sum(count * 0.5**n for n, count in enumerate(lasting))


def largest_rate(training: Training) -> float:
    """The learning rate, or the largest of those that are tried."""
    rates = training.tuned.get(RATE)
    return rates[-1] if rates else training.optimizer.step_size


def _hardly_tuned(training: Training) -> Iterator[Caution]:
    """Candidates among which there is no choice, or one that can't be seen not to lie at their edge."""
    for name, values in training.tuned.items():
        pointer = f"#/training/{'optimizer/' if name == RATE else ''}{name}/tune"
        if len(values) == 1:
            message = f"{name} has one candidate: nothing is chosen, and its runs tell only how well it validates."
            yield {"pointer": pointer, "code": "one_candidate", "message": message}
        elif len(values) == 2:
            message = f"{name} has two candidates: the better one lies at the edge, and a better one may lie beyond."
            yield {"pointer": pointer, "code": "two_candidates", "message": message}
    if training.tuning is not None and training.tuning.repeats < FEW_TUNED:
        message = (
            f"{training.tuning.repeats} repeat{'s' if training.tuning.repeats > 1 else ''} of each setting: a lucky "
            f"seed decides, and the window has no interval worth its name. Take {FEW_TUNED} or more."
        )
        yield {"pointer": "#/training/tuning/repeats", "code": "few_repeats", "message": message}


def _tuned_elsewhere(spec: ExperimentSpec) -> Iterator[Caution]:
    """A length at which settings are chosen that is none of the experiment."""
    asked = spec.training.tuning.length if spec.training.tuning else None
    there = lengths_of(spec)
    if asked is None or asked in there:
        return
    nearest = next((at for task in spec.tasks if (at := tuned_at(spec, task)) is not None), None)
    instead = "no task has lengths" if nearest is None else f"they are chosen at {nearest}, the nearest"
    message = f"The settings are to be chosen at length {asked}, which is none of the lengths: {instead}."
    yield {"pointer": "#/training/tuning/length", "code": "no_such_length", "message": message}


def _rarely_repeated(spec: ExperimentSpec) -> Iterator[Caution]:
    if spec.repeats < FEW_REPEATS:
        few = "One repeat has no interval" if spec.repeats == 1 else f"{spec.repeats} repeats give wide intervals"
        message = f"{few}; {FEW_REPEATS} or more tell models apart, and whether they still improved."
        yield {"pointer": "#/repeats", "code": "few_repeats", "message": message}


def _unbracketed(spec: ExperimentSpec) -> Iterator[Caution]:
    """Lengths between which no span is likely to be found, or none exactly."""
    if is_search(spec):
        message = "The most runs that the search may take: it goes by rounds, and each ends when its span is known."
        yield {"pointer": "#/lengths/search", "code": "at_most", "message": message}
        return
    lengths = lengths_of(spec)
    if not lengths:
        return
    if len(lengths) < FEW_LENGTHS:
        message = "A memory span needs several lengths around the point where the model fails."
        yield {"pointer": "#/lengths", "code": "few_lengths", "message": message}
        return
    if lengths[-1] < NARROW * lengths[0]:
        message = (
            f"Lengths from {lengths[0]} to {lengths[-1]} hold few spans: one beyond them is only known to be so. "
            "Give a wider range, or let them be searched for."
        )
        yield {"pointer": "#/lengths", "code": "narrow_lengths", "message": message}
    left, right = max(pairwise(lengths), key=lambda pair: pair[1] / pair[0])
    if right > GAP * left:
        message = f"Nothing is tested between {left} and {right}: a span there has all of that as its interval."
        yield {"pointer": "#/lengths", "code": "wide_gap", "message": message}
