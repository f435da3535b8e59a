"""Bit relay: do the first step and the one halfway have the same sign?"""

from __future__ import annotations

import math
from functools import lru_cache, partial
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from memspan.baselines import guessing
from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Real
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task


class Relay(TaskSpec):
    """Two steps carry a bit each, the first and the one halfway; say at the end whether the bits are equal.

    The definition is reconstructed: the answer to the forum question that introduced the task is known by its
    description only, and its code is not public any more. Neither bit alone says anything of the answer.
    """

    title: ClassVar[str] = "Bit relay"
    reference: ClassVar[str] = (
        "answer to stats.stackexchange.com/questions/340898 (2018), "
        "Why LSTM performs worse in information latching than vanilla recurrent networks; definition reconstructed"
    )
    hidden: ClassVar[tuple[str, ...]] = ("first_bit", "second_bit", "same_sign")
    kind: Literal["relay"] = "relay"
    noise: Annotated[Real, Field(ge=0, le=100, description="standard deviation of the noise at every step")] = 0.1

    def signature(self, length: int) -> Signature:
        return Signature(length, channels=1, outputs=2, problem=Problem.CLASSIFICATION)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        return (0, length // 2)

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Chance, which is also all that one of the bits is good for, and equal probabilities."""
        return (
            Baseline("chance", "test_accuracy", 0.5),
            Baseline("do_nothing", "test_loss", math.log(2)),
        )

    def tried_out(self, length: int) -> tuple[Baseline, ...]:
        """Up to 1 000 steps the best of some random nets: one tanh unit can't tell equal from unequal bits, so it ends
        near 3/4."""
        return _guessing(self, length)

    def hidden_variables(self, batch: Batch) -> dict[str, Tensor]:
        """The bits, 0 or 1, each from its step on, and the answer from the second bit on.

        A bit is the sign of what a model sees: at the default noise that is the drawn one but for 1 in 1e23.
        """
        seen = (batch.inputs[..., 0] > 0).float()  # (B, T)
        steps = torch.arange(seen.shape[1])
        halfway = seen.shape[1] // 2
        values = {"first_bit": (seen[:, 0], 0), "second_bit": (seen[:, halfway], halfway)}
        values["same_sign"] = (batch.targets.float(), halfway)
        return {
            name: torch.where(steps >= start, value.unsqueeze(1), torch.nan) for name, (value, start) in values.items()
        }


@task(Relay)
def sample(spec: Relay, length: int, count: int, rng: torch.Generator) -> Batch:
    """Draw sequences with x[0] = ±1 and x[T // 2] = ±1, independent, all else 0, plus noise everywhere.

    The target is 1 if the two have the same sign.

    Shapes:
        inputs (B, T, 1), targets (B,), both dimensionless.

    Source:
        reconstructed from the answer to stats.stackexchange.com/questions/340898.
    """
    bits = torch.randint(0, 2, (count, 2), generator=rng)
    inputs = spec.noise * torch.randn(count, length, 1, generator=rng)
    inputs[:, (0, length // 2), 0] += 2.0 * bits - 1.0
    return Batch(inputs, (bits[:, 0] == bits[:, 1]).long())


@lru_cache(maxsize=1024)
def _guessing(spec: Relay, length: int) -> tuple[Baseline, ...]:
    return guessing.baselines(partial(sample, spec, length), length)
