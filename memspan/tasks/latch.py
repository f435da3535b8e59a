"""Latch: remember the sign of the first step through noise."""

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


class Latch(TaskSpec):
    """The first step carries a bit, the rest is noise; say at the end which bit it was.

    The variant ``corrected`` draws each label by itself. ``as_published`` keeps the order of the forum question:
    all positive sequences, then all negative ones, so that a validation set cut from the end holds negatives only
    and its accuracy measures no memory.
    """

    title: ClassVar[str] = "Information latching"
    reference: ClassVar[str] = (
        "Bengio, Simard & Frasconi (1994), IEEE Trans. Neural Networks 5(2); "
        "set-up of stats.stackexchange.com/questions/340898"
    )
    hidden: ClassVar[tuple[str, ...]] = ("bit",)
    kind: Literal["latch"] = "latch"
    noise: Annotated[Real, Field(ge=0, le=100, description="standard deviation of the noise at every step")] = 0.1
    variant: Annotated[
        Literal["corrected", "as_published"],
        Field(description="labels drawn per sequence, or sorted as in the original question"),
    ] = "corrected"

    @property
    def draws_independently(self) -> bool:
        """The published labels are those of the first half and those of the second."""
        return self.variant != "as_published"

    def signature(self, length: int) -> Signature:
        return Signature(length, channels=1, outputs=2, problem=Problem.CLASSIFICATION)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        return (0,)

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Chance, equal probabilities, the perfect linear integrator (the sum of all steps is ±1 + N(0, noise² T))."""
        spread = self.noise * math.sqrt(length)
        integrator = 0.5 * (1 + math.erf(1 / (spread * math.sqrt(2)))) if spread else 1.0
        return (
            Baseline("chance", "test_accuracy", 0.5),
            Baseline("linear_integrator", "test_accuracy", integrator),
            Baseline("do_nothing", "test_loss", math.log(2)),
        )

    def tried_out(self, length: int) -> tuple[Baseline, ...]:
        """Up to 1 000 steps the best of some random nets."""
        return _guessing(self, length)

    def hidden_variables(self, batch: Batch) -> dict[str, Tensor]:
        """The bit, 0 or 1, from the first step on."""
        return {"bit": batch.targets.float().unsqueeze(1).expand(batch.inputs.shape[:2])}


@task(Latch)
def sample(spec: Latch, length: int, count: int, rng: torch.Generator) -> Batch:
    """Draw sequences whose first step carries a bit and whose rest is noise.

    x[0] = ±1 + e[0] and x[t] = e[t] for t > 0, e normal with deviation ``spec.noise``. The target is 1 for +1.

    Shapes:
        inputs (B, T, 1), targets (B,), both dimensionless.

    Source:
        Bengio, Simard & Frasconi (1994), IEEE Trans. Neural Networks 5(2); the sorted order of ``as_published``
        is that of stats.stackexchange.com/questions/340898.
    """
    if spec.variant == "as_published":
        labels = (torch.arange(count) < count // 2).long()
    else:
        labels = torch.randint(0, 2, (count,), generator=rng)
    inputs = spec.noise * torch.randn(count, length, 1, generator=rng)
    inputs[:, 0, 0] += 2.0 * labels - 1.0
    return Batch(inputs, labels)


@lru_cache(maxsize=1024)
def _guessing(spec: Latch, length: int) -> tuple[Baseline, ...]:
    return guessing.baselines(partial(sample, spec, length), length)
