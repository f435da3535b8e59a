"""AdamW: Adam, and weights that decay by themselves."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor

from memspan.interfaces.optimizer import Decay, Numbers, OptimizerSpec, Rate, Slots, Small
from memspan.interfaces.spec import Real
from memspan.optimizers import optimizer
from memspan.optimizers.adam import move as adam


class AdamW(OptimizerSpec):
    """Adam with decoupled weight decay and Keras' defaults: weights shrink beside its step, not through its means."""

    title: ClassVar[str] = "AdamW"
    reference: ClassVar[str] = "Loshchilov & Hutter (2019), arXiv 1711.05101, algorithm 2"
    kind: Literal["adamw"] = "adamw"
    learning_rate: Rate = 0.001
    beta_1: Annotated[Decay, Field(description="decay of the mean gradient")] = 0.9
    beta_2: Annotated[Decay, Field(description="decay of the mean squared gradient")] = 0.999
    epsilon: Small = 1e-7
    weight_decay: Annotated[
        Real,
        Field(
            ge=0, le=1,
            description="weights shrink by learning_rate x this at every step; the weight_decay of training adds to it",
        ),
    ] = 0.004  # fmt: skip

    def slots(self) -> tuple[str, ...]:
        return ("mean", "square")

    def constants(self) -> dict[str, float]:
        return {
            "beta_1": self.beta_1, "rest_1": 1 - self.beta_1, "beta_2": self.beta_2, "rest_2": 1 - self.beta_2,
            "epsilon": self.epsilon,
        }  # fmt: skip

    def of_step(self, step: int, rate: float) -> dict[str, float]:
        """Adam's rate, and what the step leaves of a weight."""
        corrected: float = rate * (1 - self.beta_2**step) ** 0.5 / (1 - self.beta_1**step)
        return {"rate": corrected, "shrinkage": 1 - rate * self.weight_decay}


@optimizer(AdamW)
def move(spec: AdamW, weight: Tensor, gradient: Tensor, slots: Slots, numbers: Numbers) -> None:
    """w -= lr d w, then Adam's step.

    Source:
        Loshchilov & Hutter (2019), arXiv 1711.05101, algorithm 2; Keras' form, in which the rate scales the decay.
    """
    weight.mul_(numbers["shrinkage"])
    adam(spec, weight, gradient, slots, numbers)
