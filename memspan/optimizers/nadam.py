"""NAdam: Adam that looks ahead by Nesterov's momentum."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from operator import mul
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from memspan.interfaces.optimizer import Decay, Numbers, OptimizerSpec, Rate, Slots, Small
from memspan.optimizers import optimizer

SETTLED = 1_000
"""steps after which .96^t is nothing beside 1, so that the momentum is beta_1 to the last bit"""


class NAdam(OptimizerSpec):
    """Adam with Nesterov's momentum and Keras' defaults: the step that the mean gradient will take is taken now."""

    title: ClassVar[str] = "NAdam"
    reference: ClassVar[str] = "Dozat (2016), Incorporating Nesterov momentum into Adam, ICLR workshop"
    kind: Literal["nadam"] = "nadam"
    learning_rate: Rate = 0.001
    beta_1: Annotated[Decay, Field(description="decay of the mean gradient, reached in some hundred steps")] = 0.9
    beta_2: Annotated[Decay, Field(description="decay of the mean squared gradient")] = 0.999
    epsilon: Small = 1e-7

    def slots(self) -> tuple[str, ...]:
        return ("mean", "square")

    def constants(self) -> dict[str, float]:
        return {"beta_1": self.beta_1, "rest_1": 1 - self.beta_1, "beta_2": self.beta_2, "rest_2": 1 - self.beta_2}

    def of_step(self, step: int, rate: float) -> dict[str, float]:
        """With c = sqrt(1 - b2^t), which makes up for squares that start at 0: shares of mean and gradient, and c e."""
        correction: float = (1 - self.beta_2**step) ** 0.5
        now, ahead = momentum(self.beta_1, step), momentum(self.beta_1, step + 1)
        product = momenta(self.beta_1, step)
        return {
            "of_mean": rate * correction * ahead / (1 - product * ahead),
            "of_gradient": rate * correction * (1 - now) / (1 - product),
            "epsilon": correction * self.epsilon,
        }


def momentum(beta_1: float, step: int) -> float:
    """u_t = b1 (1 - .96^t / 2), the warming schedule."""
    warmed: float = beta_1 * (1 - 0.5 * 0.96**step)
    return warmed


def momenta(beta_1: float, step: int) -> float:
    """The product u_1 ... u_t."""
    rest: float = beta_1 ** max(step - SETTLED, 0)
    return _warming(beta_1)[min(step, SETTLED)] * rest


@lru_cache(maxsize=64)
def _warming(beta_1: float) -> tuple[float, ...]:
    """The products of the first momenta, from none to SETTLED."""
    return tuple(accumulate((momentum(beta_1, step) for step in range(1, SETTLED + 1)), mul, initial=1.0))


@optimizer(NAdam)
def move(spec: NAdam, weight: Tensor, gradient: Tensor, slots: Slots, numbers: Numbers) -> None:
    """w -= lr (u' m / (1 - U u') + (1 - u) g / (1 - U)) / (sqrt(v) / c + e), u' the next momentum, U = u_1 ... u_t.

    Both fractions are multiplied with c, so that the root stands alone.

    Source:
        Dozat (2016), ICLR workshop; Keras' form, whose momentum warms up by .96^t.
    """
    mean, square = slots["mean"], slots["square"]
    mean.mul_(numbers["beta_1"]).add_(gradient, alpha=numbers["rest_1"])
    square.mul_(numbers["beta_2"]).addcmul_(gradient, gradient, value=numbers["rest_2"])
    step = gradient.mul_(numbers["of_gradient"]).add_(mean, alpha=numbers["of_mean"])
    root = torch.rsqrt(square).reciprocal_()  # not torch.sqrt, see adam.py
    weight.addcdiv_(step, root.add_(numbers["epsilon"]), value=-1)
