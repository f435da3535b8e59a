"""Stochastic gradient descent: steps along the gradient."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor

from memspan.interfaces.optimizer import Decay, Numbers, OptimizerSpec, Rate, Slots
from memspan.optimizers import optimizer


class SGD(OptimizerSpec):
    """Stochastic gradient descent with Keras' defaults."""

    title: ClassVar[str] = "Stochastic gradient descent"
    reference: ClassVar[str] = (
        "Robbins & Monro (1951), Ann. Math. Statist. 22(3); momentum as in Sutskever et al. (2013), ICML"
    )
    kind: Literal["sgd"] = "sgd"
    learning_rate: Rate = 0.01
    momentum: Annotated[Decay, Field(description="share of the last step that the next one keeps")] = 0.0
    nesterov: Annotated[
        bool, Field(strict=True, description="with momentum: the gradient's step comes after the one that is kept")
    ] = False

    def slots(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def constants(self) -> dict[str, float]:
        return {"momentum": self.momentum}


@optimizer(SGD)
def move(spec: SGD, weight: Tensor, gradient: Tensor, slots: Slots, numbers: Numbers) -> None:
    """w -= lr g, or with momentum m: v = m v - lr g, w += v (Nesterov: w += m v - lr g).

    Source:
        Sutskever, Martens, Dahl & Hinton (2013), ICML; Keras' form.
    """
    rate, momentum = numbers["rate"], numbers["momentum"]
    if not spec.momentum:
        weight.add_(gradient, alpha=-rate)
        return
    velocity = slots["velocity"].mul_(momentum).sub_(gradient, alpha=rate)
    if spec.nesterov:
        weight.add_(velocity, alpha=momentum).sub_(gradient, alpha=rate)
    else:
        weight.add_(velocity)
