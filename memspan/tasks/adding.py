"""Adding: add up two marked numbers among many."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from torch import Generator, Tensor

from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Real
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task

Number = Annotated[Real, Field(ge=-1_000, le=1_000)]


class Adding(TaskSpec):
    """Every step has a uniform number and a mark; two steps are marked, and the answer is the sum of their numbers.

    With ``anywhere`` the marks are any two steps; with ``one_per_half`` one lies in each half, so that the first number
    is at least half the length old; with marks anywhere models of short memory look better.
    """

    title: ClassVar[str] = "Adding problem"
    reference: ClassVar[str] = (
        "Hochreiter & Schmidhuber (1997), Long Short-Term Memory, experiment 4; the form of Arjovsky, Shah & Bengio "
        "(2016), arXiv 1511.06464; marks anywhere as in Bai, Kolter & Koltun (2018), arXiv 1803.01271"
    )
    hidden: ClassVar[tuple[str, ...]] = ("running_sum",)
    kind: Literal["adding"] = "adding"
    marks: Annotated[
        Literal["one_per_half", "anywhere"],
        Field(description="one mark in each half of the sequence, or two different steps anywhere"),
    ] = "one_per_half"
    low: Annotated[Number, Field(description="least number; 0 and -1 are usual")] = 0.0
    high: Annotated[Number, Field(description="largest number, 1 mostly; above low")] = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Adding:
        if not self.low < self.high:
            raise PydanticCustomError(
                "out_of_order", "low must lie below high ({low} >= {high}).", {"low": self.low, "high": self.high}
            )
        return self

    def signature(self, length: int) -> Signature:
        return Signature(length, channels=2, outputs=1, problem=Problem.REGRESSION)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """All: any step may be marked."""
        return tuple(range(length))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Mean squared errors of answering 0, of answering the mean (remembering nothing), and of the second marked
        number plus the mean of the first."""
        variance, mean = self.target_variance(length), self.low + self.high
        return (
            Baseline("do_nothing", "test_loss", variance + mean**2),
            Baseline("constant", "test_loss", variance),
            Baseline("second_value_only", "test_loss", variance / 2),
        )

    def target_variance(self, length: int) -> float:
        """Twice the variance of a uniform number."""
        return (self.high - self.low) ** 2 / 6

    def hidden_variables(self, batch: Batch) -> dict[str, Tensor]:
        """The sum of the marked numbers so far."""
        return {"running_sum": batch.inputs.prod(-1).cumsum(1)}


@task(Adding)
def sample(spec: Adding, length: int, count: int, rng: Generator) -> Batch:
    """Draw numbers U(low, high) in channel 0, two marks of 1 in channel 1, and the sum of the marked numbers.

    Shapes:
        inputs (B, T, 2), targets (B, 1), both dimensionless.

    Source:
        ``anywhere``: data_generator of github.com/locuslab/TCN, TCN/adding_problem/utils.py. ``one_per_half``:
        github.com/tk-rusch/coRNN, adding/utils.py: one mark in [0, T // 2), one in [T // 2, T).
    """
    numbers = spec.low + (spec.high - spec.low) * torch.rand(count, length, generator=rng)
    marked = torch.stack(_marks(spec, length, count, rng), dim=1)  # (B, 2)
    marks = torch.zeros(count, length).scatter_(1, marked, 1.0)
    return Batch(torch.stack((numbers, marks), dim=-1), numbers.gather(1, marked).sum(1, keepdim=True))


def _marks(spec: Adding, length: int, count: int, rng: Generator) -> tuple[Tensor, Tensor]:
    """The two marked steps, each (B,)."""
    if spec.marks == "one_per_half":
        half = length // 2
        first = torch.randint(0, half, (count,), generator=rng)
        return first, torch.randint(half, length, (count,), generator=rng)
    first = torch.randint(0, length, (count,), generator=rng)
    second = torch.randint(0, length - 1, (count,), generator=rng)
    return first, second + (second >= first)  # skips the first: all pairs are equally likely
