"""How a run is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from memspan.interfaces.limits import Within
from memspan.interfaces.spec import Real, Whole, frozen

Samples = Annotated[Whole, Within("samples")]
Rate = Annotated[Real, Field(gt=0, le=100, description="step size")]
Decay = Annotated[Real, Field(ge=0, lt=1)]
Small = Annotated[Real, Field(gt=0, le=1, description="keeps the division finite")]


def _kind_is_required(schema: dict[str, Any]) -> None:
    schema["required"] = ["kind"]


class Adam(BaseModel):
    """Adam with Keras' defaults. Source: Kingma & Ba (2015), arXiv 1412.6980, the form of the end of its section 2."""

    model_config = frozen(_kind_is_required)
    kind: Literal["adam"] = "adam"
    learning_rate: Rate = 0.001
    beta_1: Annotated[Decay, Field(description="decay of the mean gradient")] = 0.9
    beta_2: Annotated[Decay, Field(description="decay of the mean squared gradient")] = 0.999
    epsilon: Small = 1e-7


class RMSprop(BaseModel):
    """RMSprop with Keras' defaults. Source: Tieleman & Hinton (2012), lecture 6.5; epsilon inside the root."""

    model_config = frozen(_kind_is_required)
    kind: Literal["rmsprop"] = "rmsprop"
    learning_rate: Rate = 0.001
    rho: Annotated[Decay, Field(description="decay of the mean squared gradient")] = 0.9
    momentum: Decay = 0.0
    epsilon: Small = 1e-7


class SGD(BaseModel):
    """Stochastic gradient descent with Keras' defaults."""

    model_config = frozen(_kind_is_required)
    kind: Literal["sgd"] = "sgd"
    learning_rate: Rate = 0.01
    momentum: Decay = 0.0
    nesterov: Annotated[bool, Field(strict=True)] = False


Optimizer = Annotated[Adam | RMSprop | SGD, Field(discriminator="kind")]


class Training(BaseModel):
    """How every run of an experiment is trained; the defaults are those of the latch experiment."""

    model_config = frozen()
    optimizer: Optimizer = Adam()
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
        Real, Field(ge=0, le=1, description="decoupled: weights shrink by learning_rate x this")
    ] = 0
    clip_norm: Annotated[
        Annotated[Real, Field(gt=0, le=1e6)] | None, Field(description="largest norm of a run's whole gradient")
    ] = None

    halve_every: Annotated[
        Annotated[Whole, Field(ge=1, le=1_000_000_000)] | None,
        Field(description="optimiser steps after which the learning rate is halved, again and again"),
    ] = None

    def rate_factor(self, step: int) -> float:
        """What the learning rate is multiplied with at optimiser step ``step``, from 1."""
        return 1.0 if self.halve_every is None else 0.5 ** ((step - 1) // self.halve_every)

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of an epoch; the last batch may be smaller."""
        return -(-self.train_size // self.batch_size)
