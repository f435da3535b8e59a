"""How the learning rate goes over the steps of a training."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from memspan.interfaces.spec import Real, frozen


class Schedule(BaseModel):
    """Shares of the learning rate over the optimiser steps of a whole training.

    It rises evenly over a first part (``warm_up``). Then ``constant`` keeps it, ``cosine`` lowers it along half a
    cosine towards 0, and ``halve`` halves it after every ``training.halve_every`` steps.

    Source:
        cosine: Loshchilov & Hutter (2017), arXiv 1608.03983, without restarts.
    """

    model_config = frozen()
    kind: Literal["constant", "halve", "cosine"] = "constant"
    warm_up: Annotated[Real, Field(ge=0, lt=1, description="part of all steps in which the rate rises from 0")] = 0.0

    @property
    def is_of_the_whole(self) -> bool:
        """Whether a step's rate depends on how many steps there are in all."""
        return self.kind == "cosine" or self.warm_up > 0

    def share(self, step: int, steps: int) -> float:
        """Of the learning rate, at a step from 1 of so many; halving comes on top."""
        rising = round(self.warm_up * steps)
        if step <= rising:
            return step / rising
        if self.kind != "cosine":
            return 1.0
        return (1 + math.cos(math.pi * (step - 1 - rising) / (steps - rising))) / 2

    def total(self, steps: int) -> float:
        """The sum of the shares of so many steps; halving comes on top."""
        rising = round(self.warm_up * steps)
        rest = steps - rising
        return (rising + 1) / 2 * (rising > 0) + ((rest + 1) / 2 if self.kind == "cosine" else rest)
