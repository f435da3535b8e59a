"""Adam: steps along the running mean gradient, measured by its running size."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from memspan.interfaces.optimizer import Decay, Numbers, OptimizerSpec, Rate, Slots, Small
from memspan.optimizers import optimizer


class Adam(OptimizerSpec):
    """Adam with Keras' defaults, in the form of the end of the article's section 2: epsilon beside the raw root."""

    title: ClassVar[str] = "Adam"
    reference: ClassVar[str] = "Kingma & Ba (2015), arXiv 1412.6980, section 2"
    kind: Literal["adam"] = "adam"
    learning_rate: Rate = 0.001
    beta_1: Annotated[Decay, Field(description="decay of the mean gradient")] = 0.9
    beta_2: Annotated[Decay, Field(description="decay of the mean squared gradient")] = 0.999
    epsilon: Small = 1e-7

    def slots(self) -> tuple[str, ...]:
        return ("mean", "square")

    def constants(self) -> dict[str, float]:
        return {
            "beta_1": self.beta_1, "rest_1": 1 - self.beta_1, "beta_2": self.beta_2, "rest_2": 1 - self.beta_2,
            "epsilon": self.epsilon,
        }  # fmt: skip

    def of_step(self, step: int, rate: float) -> dict[str, float]:
        """The rate makes up for means that start at 0."""
        return {"rate": rate * (1 - self.beta_2**step) ** 0.5 / (1 - self.beta_1**step)}


@optimizer(Adam)
def move(spec: OptimizerSpec, weight: Tensor, gradient: Tensor, slots: Slots, numbers: Numbers) -> None:
    """w -= a m / (sqrt(v) + e) with a = lr sqrt(1 - b2^t) / (1 - b1^t), m and v the running means of g and g².

    Source:
        Kingma & Ba (2015), arXiv 1412.6980, section 2.
    """
    mean, square = slots["mean"], slots["square"]
    mean.mul_(numbers["beta_1"]).add_(gradient, alpha=numbers["rest_1"])
    square.mul_(numbers["beta_2"]).addcmul_(gradient, gradient, value=numbers["rest_2"])
    # Not torch.sqrt: MKL's takes 5 to 30 times as long where squares are 0 or tiny. Into the gradient's memory: fresh
    # pages would cost as much as all other work here.
    root = torch.rsqrt(square, out=gradient).reciprocal_()
    weight.addcdiv_(mean, root.add_(numbers["epsilon"]), value=-numbers["rate"])
