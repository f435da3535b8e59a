"""How a run is trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from memspan.interfaces.limits import Within
from memspan.interfaces.spec import Real, Whole, frozen
from memspan.optimizers import AnyOptimizer
from memspan.optimizers.adam import Adam

Samples = Annotated[Whole, Within("samples")]


class Training(BaseModel):
    """How every run of an experiment is trained; the defaults are those of the latch experiment."""

    model_config = frozen()
    optimizer: AnyOptimizer = Adam()
    batch_size: Annotated[Whole, Field(ge=1, le=65_536, description="sequences of a step")] = 16
    epochs: Annotated[Whole, Within("epochs"), Field(description="passes over train_size sequences")] = 5
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
