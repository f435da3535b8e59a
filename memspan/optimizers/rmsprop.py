"""RMSprop: steps along the gradient, measured by its running size."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor

from memspan.interfaces.optimizer import Decay, Numbers, OptimizerSpec, Rate, Slots, Small
from memspan.optimizers import optimizer


class RMSprop(OptimizerSpec):
    """RMSprop with Keras' defaults: epsilon inside the root."""

    title: ClassVar[str] = "RMSprop"
    reference: ClassVar[str] = "Tieleman & Hinton (2012), Neural Networks for Machine Learning, lecture 6.5"
    kind: Literal["rmsprop"] = "rmsprop"
    learning_rate: Rate = 0.001
    rho: Annotated[Decay, Field(description="decay of the mean squared gradient")] = 0.9
    momentum: Annotated[Decay, Field(description="share of the last step that the next one keeps")] = 0.0
    epsilon: Small = 1e-7

    def slots(self) -> tuple[str, ...]:
        return ("square", "velocity") if self.momentum else ("square",)

    def constants(self) -> dict[str, float]:
        return {"rho": self.rho, "rest": 1 - self.rho, "momentum": self.momentum, "epsilon": self.epsilon}


@optimizer(RMSprop)
def move(spec: RMSprop, weight: Tensor, gradient: Tensor, slots: Slots, numbers: Numbers) -> None:
    """w -= lr g / sqrt(v + e) with v the running mean of g²; with momentum m, w -= lr u and u = m u + g / sqrt(v + e).

    Source:
        Tieleman & Hinton (2012), lecture 6.5; Keras' form.
    """
    square = slots["square"].mul_(numbers["rho"]).addcmul_(gradient, gradient, value=numbers["rest"])
    change = gradient.div_(square.add(numbers["epsilon"]).sqrt_())
    if spec.momentum:
        change = slots["velocity"].mul_(numbers["momentum"]).add_(change)
    weight.add_(change, alpha=-numbers["rate"])
