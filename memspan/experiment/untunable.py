"""What is wrong with what a spec asks to be tuned."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from memspan.experiment.flaw import Flaw, Place
from memspan.experiment.grid import lengths_of
from memspan.experiment.lengths import Search
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits
from memspan.training import NORM, RATE, SHRINKAGE

MOST_SETTINGS = 64
"""settings of numbers that are tuned together: their grid"""
TUNING: Place = ("training", "tuning")


def untunable(spec: ExperimentSpec) -> Iterator[Flaw]:
    """Tuning without candidates, too many of them, or a choice at lengths that nobody knows yet."""
    tuned, tuning = spec.training.tuned, spec.training.tuning
    if tuning is not None and not tuned:
        message = (
            "tuning has nothing to choose: give optimizer.learning_rate, clip_norm or weight_decay as candidates, "
            'such as {"tune": [0.001, 0.003, 0.01]}, or leave tuning out.'
        )
        where = (("training", "optimizer", RATE), ("training", NORM), ("training", SHRINKAGE))
        yield Flaw(TUNING, "nothing_to_tune", message, because=where)
    if prod(map(len, tuned.values())) > MOST_SETTINGS:
        most = max(tuned, key=lambda name: len(tuned[name]))
        product = " x ".join(f"{len(values)} {name}" for name, values in tuned.items())
        message = (
            f"The candidates make {prod(map(len, tuned.values()))} settings ({product}); at most {MOST_SETTINGS} are "
            "tried."
        )
        because = tuple(place_of(name) for name in tuned)
        yield Flaw(place_of(most), "grid_too_large", message, len(tuned[most]), because=because)
    if tuning is not None and tuning.length is None and _searches(spec):
        message = (
            "A length search asks for lengths by what others found, by settings that are chosen before: give the one "
            f"length at which they are chosen, such as {lengths_of(spec)[0]}."
        )
        yield Flaw((*TUNING, "length"), "needs_length", message, because=(("lengths", "search"),))


def too_much_tuning(spec: ExperimentSpec, limits: Limits) -> Iterator[Flaw]:
    """The runs by which settings are chosen count, and so do the conditions that there may be."""
    tuning = spec.training.tuning
    if tuning is None:
        return
    settings = prod(map(len, spec.training.tuned.values()))
    lengths = max(len(lengths_of(spec)), 1) if any(task.has_length for task in spec.tasks) else 1
    times = lengths if tuning.length is None else 1
    pairs = len(spec.tasks) * len(spec.models)
    runs, places = pairs * times * settings * tuning.repeats, pairs * (lengths + times) * settings
    at = "lengths" if tuning.length is None else "length"
    product = f"{pairs} tasks and models x {times} {at} x {settings} settings"
    if runs > limits.runs:
        message = f"Tuning takes {runs} runs ({product} x {tuning.repeats} repeats); at most {limits.runs} are allowed."
        yield Flaw((*TUNING, "repeats"), "grid_too_large", message, tuning.repeats)
    elif places > limits.runs:
        most = max(spec.training.tuned, key=lambda name: len(spec.training.tuned[name]))
        message = f"The grid has {places} conditions by all settings ({product}); at most {limits.runs} are allowed."
        yield Flaw(place_of(most), "grid_too_large", message, settings)


def _searches(spec: ExperimentSpec) -> bool:
    return isinstance(spec.lengths, Search) and any(task.has_length for task in spec.tasks)


def place_of(name: str) -> Place:
    """Where a spec has the candidates of a number."""
    return ("training", "optimizer", RATE, "tune") if name == RATE else ("training", name, "tune")
