"""How a run is trained."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import product
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from memspan.interfaces.limits import Within
from memspan.interfaces.schedule import Schedule
from memspan.interfaces.spec import Length, Whole, frozen
from memspan.interfaces.tunable import Setting, TunableNorm, TunableShrinkage, Tune, settled
from memspan.optimizers import AnyOptimizer
from memspan.optimizers.adam import Adam

Samples = Annotated[Whole, Within("samples")]
EpochCount = Annotated[Whole, Within("epochs")]


class Until(BaseModel):
    """Each run is trained until it has solved its task or no longer improves, for some epochs at most.

    Solved: what success is judged by was met by the validation set after three epochs in a row. No longer improving:
    its validation loss is below that of guessing, and the lowest one was reached half of the epochs ago and ten
    at least; a loss counts as lower from 1 % on. A run at the level of guessing goes on: it may yet learn.
    """

    model_config = frozen()
    until: Literal["converged"]
    at_most: Annotated[EpochCount, Field(description="passes over train_size sequences")]


def _whole_or_until(value: Any) -> str:
    """The tag of what was meant; it is no field's name, so that no path in an error is taken for another."""
    return "by rule" if isinstance(value, dict | Until) else "whole"


Epochs = Annotated[
    Annotated[EpochCount, Tag("whole")] | Annotated[Until, Tag("by rule")], Discriminator(_whole_or_until)
]


def most_epochs(epochs: int | Mapping[str, Any] | Until) -> int:
    """How many a run is trained for, or at most, as it is given in a spec or in its JSON data."""
    if isinstance(epochs, Until):
        return epochs.at_most
    return int(epochs["at_most"]) if isinstance(epochs, Mapping) else epochs


RATE, NORM, SHRINKAGE = "learning_rate", "clip_norm", "weight_decay"
"""what may be tuned, in this order"""


class Tuning(BaseModel):
    """How the numbers are chosen that are given as candidates: by the median validation loss of some runs of each.

    Those runs have seeds and sequences of their own, and nothing of them enters what is reported.
    """

    model_config = frozen()
    repeats: Annotated[Whole, Within("repeats"), Field(description="runs by which each setting is judged")] = 3
    length: Annotated[
        Length | None,
        Field(description="the numbers are chosen once, at the length that is nearest to it; null: at every length"),
    ] = None


class Training(BaseModel):
    """How every run of an experiment is trained; the defaults are those of the latch experiment."""

    model_config = frozen()
    optimizer: AnyOptimizer = Adam()
    batch_size: Annotated[Whole, Field(ge=1, le=65_536, description="sequences of a step")] = 16
    epochs: Annotated[
        Epochs,
        Field(description='passes over train_size sequences, or {"until": "converged", "at_most": 400}'),
    ] = 5
    train_size: Annotated[Samples, Field(description="sequences of an epoch")] = 8_000
    validation_size: Annotated[Samples, Field(description="sequences scored after each epoch")] = 2_000
    test_size: Annotated[Samples, Field(description="sequences scored once, at the end")] = 10_000
    data: Annotated[
        Literal["fixed", "per_repeat", "fresh"],
        Field(description="one training set for all models and repeats; one for each run; or new sequences every step"),
    ] = "fixed"
    weight_decay: Annotated[
        TunableShrinkage,
        Field(
            description="decoupled: weights shrink by learning_rate x this, or candidates to choose from; "
            "adamw's own comes on top; of residual blocks biases, gains and rates of states stay (docs/models.md)"
        ),
    ] = 0
    clip_norm: Annotated[
        TunableNorm | None,
        Field(description="largest norm of a run's whole gradient, or candidates to choose from"),
    ] = None
    tuning: Annotated[
        Tuning | None,
        Field(
            exclude_if=lambda given: given is None,  # a spec that tunes nothing stays what it was before there was this
            description='how numbers are chosen that are given as {"tune": [...]}; only there, and shown only then',
        ),
    ] = None
    halve_every: Annotated[
        Annotated[Whole, Field(ge=1, le=1_000_000_000)] | None,
        Field(description="optimiser steps after which the learning rate is halved, again and again"),
    ] = None
    schedule: Annotated[
        Schedule | None,
        Field(
            exclude_if=lambda given: given is None,  # as with tuning
            description="how the learning rate goes over the whole training; null: constant, but for halve_every",
        ),
    ] = None

    @model_validator(mode="after")
    def _halved_where_it_is_said(self) -> Self:
        """A schedule that halves says when, and no other one is halved."""
        if self.schedule is None:
            return self
        if self.schedule.kind == "halve" and self.halve_every is None:
            raise PydanticCustomError("missing", "The schedule halve needs halve_every: after how many steps.")
        if self.schedule.kind != "halve" and self.halve_every is not None:
            message = "halve_every goes with the schedule halve; given {kind}."
            raise PydanticCustomError("does_not_apply", message, {"kind": self.schedule.kind})
        return self

    @model_validator(mode="after")
    def _tuned(self) -> Self:
        """What is tuned is tuned by the defaults where nothing else is said."""
        if self.tuning is None and self.tuned:
            object.__setattr__(self, "tuning", Tuning())
        return self

    @property
    def tuned(self) -> Mapping[str, tuple[float, ...]]:
        """The candidates of each number that is tuned, ascending; empty where nothing is."""
        given = {RATE: self.optimizer.learning_rate, NORM: self.clip_norm, SHRINKAGE: self.weight_decay}
        return {name: number.values() for name, number in given.items() if isinstance(number, Tune)}

    @property
    def numbers(self) -> dict[str, float | None]:
        """What may be tuned, of a training in which nothing is left to be chosen; None where nothing is clipped."""
        norm = None if self.clip_norm is None else settled(self.clip_norm)
        return {RATE: self.optimizer.step_size, NORM: norm, SHRINKAGE: settled(self.weight_decay)}

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What is tried: the grid of all candidates, the last number varying fastest; an empty one where nothing is."""
        names = tuple(self.tuned)
        return tuple(dict(zip(names, values, strict=True)) for values in product(*self.tuned.values()))

    def with_setting(self, setting: Setting) -> Training:
        """The training by a setting, just as one that was given with those numbers."""
        rate = {RATE: setting[RATE]} if RATE in setting else {}
        rest: dict[str, Any] = {name: setting[name] for name in (NORM, SHRINKAGE) if name in setting}
        return self.model_copy(update={"optimizer": self.optimizer.model_copy(update=rate), "tuning": None, **rest})

    @property
    def decays(self) -> bool:
        """Whether weights shrink by themselves."""
        return settled(self.weight_decay) > 0

    @property
    def most_epochs(self) -> int:
        """Epochs that each run is trained for, or at most."""
        return most_epochs(self.epochs)

    @property
    def until_converged(self) -> bool:
        """Whether a run ends by itself before that."""
        return isinstance(self.epochs, Until)

    def rate(self, step: int) -> float:
        """The learning rate of an optimiser step, from 1."""
        halved = 1.0 if self.halve_every is None else 0.5 ** ((step - 1) // self.halve_every)
        if self.schedule is not None:
            halved *= self.schedule.share(step, self.most_epochs * self.steps_per_epoch)
        return halved * self.optimizer.step_size

    def shrinkage(self, step: int) -> float:
        """What weight decay multiplies all weights with at an optimiser step, from 1."""
        return 1 - self.rate(step) * settled(self.weight_decay)

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of an epoch; the last batch may be smaller."""
        return -(-self.train_size // self.batch_size)


@lru_cache(maxsize=64)
def trainings(training: Training) -> tuple[Training, ...]:
    """A training by each of its settings: by itself where nothing is tuned."""
    return tuple(training.with_setting(setting) for setting in training.settings)


def any_setting(training: Training) -> Training:
    """A training by one of its settings, for what is the same by all: sizes, memory, time."""
    return training.with_setting({name: values[0] for name, values in training.tuned.items()})
