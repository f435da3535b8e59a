"""The base of all optimiser specs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from torch import Tensor

from memspan.interfaces.spec import PartSpec, Real
from memspan.interfaces.tunable import TunableRate, settled

Rate = Annotated[
    TunableRate,
    Field(description='step size, or candidates to choose from: {"tune": [0.001, 0.003]}'),
]
Decay = Annotated[Real, Field(ge=0, lt=1)]
Small = Annotated[Real, Field(gt=0, le=1, description="keeps the division finite")]
Slots = Mapping[str, Tensor]
"""What is remembered of each weight, by name; of the weights' shape, and changed in place."""
SHRINKAGE = "shrinkage"
"""name of the number that an optimiser's own weight decay leaves of a weight at a step"""
Numbers = Mapping[str, float]
"""What a rule multiplies with at one step, by name: the optimiser's constants, and what each step has of its own.

An engine may give a tensor with a number for each weight: of ``shrinkage``, where some weights don't decay."""


class OptimizerSpec(PartSpec):
    """A rule by which weights follow their gradients; bound to ``move(spec, weight, gradient, slots, numbers)``.

    ``move`` does one step in place: pointwise torch operations on tensors of one shape, so that an engine may run it as
    it is or trace it and generate a loop from it. The gradient's memory is its to overwrite. It may branch on the spec,
    but takes every number from ``numbers``: one loop then serves all of them.
    """

    learning_rate: Rate

    @property
    def step_size(self) -> float:
        """The learning rate of an optimiser whose rate is chosen."""
        return settled(self.learning_rate)

    def slots(self) -> tuple[str, ...]:
        """Names of what is remembered of each weight from step to step. All start at 0; stored runs know the names."""
        return ()

    def constants(self) -> dict[str, float]:
        """What ``move`` multiplies with at every step."""
        return {}

    def of_step(self, step: int, rate: float) -> dict[str, float]:
        """What it multiplies with at one step, from 1, whose learning rate is ``rate``: always the same names."""
        return {"rate": rate}

    def numbers(self, step: int, rate: float) -> Numbers:
        """All that ``move`` takes at a step."""
        return self.constants() | self.of_step(step, rate)
