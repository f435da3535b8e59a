"""Tunable numbers: a number as it is, or candidates of which validation chooses one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import exp, log
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from memspan.interfaces.spec import Real, Whole, frozen

MOST = 32
"""candidates of one number"""
DIGITS = 4
"""significant digits of the candidates of a range, so that they can be written out as they are"""

Rate = Annotated[Real, Field(gt=0, le=100)]
Norm = Annotated[Real, Field(gt=0, le=1e6)]
Shrinkage = Annotated[Real, Field(ge=0, le=1)]
Some = Annotated[Real, Field(gt=0, le=1)]
Setting = Mapping[str, float]
"""numbers of a training by their names, of those that are chosen by tuning"""


class CandidateRange(BaseModel):
    """``count`` numbers from ``low`` to ``high``, evenly spaced on a logarithmic scale, rounded to four digits."""

    model_config = frozen()
    low: Annotated[Real, Field(gt=0)]
    high: Annotated[Real, Field(gt=0)]
    count: Annotated[Whole, Field(ge=2, le=MOST, description="how many, both ends among them")]

    @model_validator(mode="after")
    def _apart(self) -> Self:
        ends = {"low": self.low, "high": self.high}
        if self.low >= self.high:
            raise PydanticCustomError("out_of_order", "low must lie below high ({low} >= {high}).", ends)
        if len(set(self.values())) < self.count:
            message = "From {low} to {high} no {count} numbers differ in their first {digits} digits."
            raise PydanticCustomError("duplicate", message, {**ends, "count": self.count, "digits": DIGITS})
        return self

    def values(self) -> tuple[float, ...]:
        """The numbers, ascending; the ends as they were given."""
        first, step = log(self.low), (log(self.high) - log(self.low)) / (self.count - 1)
        inner = (float(f"{exp(first + place * step):.{DIGITS}g}") for place in range(1, self.count - 1))
        return (self.low, *inner, self.high)


class RateRange(CandidateRange):
    """Learning rates on a logarithmic scale."""

    low: Rate
    high: Rate


class NormRange(CandidateRange):
    """Largest norms on a logarithmic scale."""

    low: Norm
    high: Norm


class ShrinkageRange(CandidateRange):
    """Weight decays on a logarithmic scale."""

    low: Some
    high: Some


def _ascending(values: tuple[float, ...]) -> tuple[float, ...]:
    """Candidates in order, each given once."""
    ordered = tuple(sorted(values))
    for left, right in pairwise(ordered):
        if left == right:
            raise PydanticCustomError("duplicate", "tune has {number} twice; give it once.", {"number": left})
    return ordered


def _list_or_range(value: Any) -> str:
    """The tag of what was meant; it is no field's name, so that no path in an error is taken for another."""
    return "by range" if isinstance(value, dict | CandidateRange) else "one by one"


Few = Field(min_length=1, max_length=MOST)


class Tune(BaseModel):
    """A number that is to be chosen from candidates, by how well runs of their own validate."""

    model_config = frozen()

    def values(self) -> tuple[float, ...]:
        """The candidates, ascending."""
        given: tuple[float, ...] | CandidateRange = getattr(self, "tune")  # noqa: B009
        return given.values() if isinstance(given, CandidateRange) else given


class TuneRate(Tune):
    """Learning rates to choose from, such as ``{"tune": [0.001, 0.003]}``, or a range with a count."""

    tune: Annotated[
        Annotated[tuple[Rate, ...], Few, AfterValidator(_ascending), Tag("one by one")]
        | Annotated[RateRange, Tag("by range")],
        Discriminator(_list_or_range),
    ]


class TuneNorm(Tune):
    """Largest norms to choose from."""

    tune: Annotated[
        Annotated[tuple[Norm, ...], Few, AfterValidator(_ascending), Tag("one by one")]
        | Annotated[NormRange, Tag("by range")],
        Discriminator(_list_or_range),
    ]


class TuneShrinkage(Tune):
    """Weight decays to choose from."""

    tune: Annotated[
        Annotated[tuple[Shrinkage, ...], Few, AfterValidator(_ascending), Tag("one by one")]
        | Annotated[ShrinkageRange, Tag("by range")],
        Discriminator(_list_or_range),
    ]


def _number_or_tune(value: Any) -> str:
    return "by tuning" if isinstance(value, dict | Tune) else "as it is"


TunableRate = Annotated[
    Annotated[Rate, Tag("as it is")] | Annotated[TuneRate, Tag("by tuning")], Discriminator(_number_or_tune)
]
TunableNorm = Annotated[
    Annotated[Norm, Tag("as it is")] | Annotated[TuneNorm, Tag("by tuning")], Discriminator(_number_or_tune)
]
TunableShrinkage = Annotated[
    Annotated[Shrinkage, Tag("as it is")] | Annotated[TuneShrinkage, Tag("by tuning")], Discriminator(_number_or_tune)
]


def settled(number: float | Tune) -> float:
    """A number of a training in which nothing is left to be chosen, as those of conditions are."""
    if isinstance(number, Tune):
        raise AssertionError("nobody trains by a number that is still to be chosen")
    return number
