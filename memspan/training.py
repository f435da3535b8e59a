"""How a run is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, Tag

from memspan.interfaces.limits import Within
from memspan.interfaces.spec import Real, Whole, frozen
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
        Real,
        Field(
            ge=0,
            le=1,
            description="decoupled: weights shrink by learning_rate x this; adamw's own comes on top",
        ),
    ] = 0
    clip_norm: Annotated[
        Annotated[Real, Field(gt=0, le=1e6)] | None, Field(description="largest norm of a run's whole gradient")
    ] = None

    halve_every: Annotated[
        Annotated[Whole, Field(ge=1, le=1_000_000_000)] | None,
        Field(description="optimiser steps after which the learning rate is halved, again and again"),
    ] = None

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
        return halved * self.optimizer.learning_rate

    def shrinkage(self, step: int) -> float:
        """What weight decay multiplies all weights with at an optimiser step, from 1."""
        return 1 - self.rate(step) * self.weight_decay

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of an epoch; the last batch may be smaller."""
        return -(-self.train_size // self.batch_size)
