"""The lengths of an experiment: a set, a range on a logarithmic scale, or a search for the memory span."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from memspan.interfaces.spec import Length, Real, Whole, frozen

MOST = 1_000
"""lengths of one experiment"""
FEWEST = 12
"""runs that a search may always take: four rounds of three lengths once each, which halve a range eight times"""


class Range(BaseModel):
    """Lengths from ``low`` to ``high``."""

    model_config = frozen()
    low: Length
    high: Length

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise PydanticCustomError(
                "out_of_order", "low must not lie above high ({low} > {high}).", {"low": self.low, "high": self.high}
            )
        return self

    def spaced(self, count: int) -> tuple[int, ...]:
        """At most ``count`` lengths from low to high, evenly spaced on a logarithmic scale, rounded, each once."""
        if count == 1:
            return (self.low,)
        ratio = (self.high / self.low) ** (1 / (count - 1))
        return tuple(sorted({round(self.low * ratio**step) for step in range(count)}))


class LogRange(Range):
    """``count`` lengths between ``low`` and ``high``, evenly spaced on a logarithmic scale, rounded, each once."""

    count: Annotated[Whole, Field(ge=1, le=MOST)]

    def values(self) -> tuple[int, ...]:
        return self.spaced(self.count)


class Log(BaseModel):
    """Lengths on a logarithmic scale: ``{"log": {"low": 2, "high": 200, "count": 16}}``."""

    model_config = frozen()
    log: LogRange


class SearchRange(Range):
    """Where each model's memory span on each task is sought, how exactly, and with how many runs at most."""

    tolerance: Annotated[
        Real,
        Field(
            ge=0.02,
            le=1,
            description="the search for a span ends when its 95 % interval reaches no further than by this share of it",
        ),
    ] = 0.1
    budget: Annotated[
        Whole,
        Field(
            ge=2,
            le=MOST,
            description="at most as many runs for each task and model as a grid of so many lengths takes: "
            f"budget x repeats, and no fewer than {FEWEST}",
        ),
    ] = 6

    def candidates(self) -> tuple[int, ...]:
        """The lengths that may be asked for, ascending: two neighbours are half the tolerance apart, or 1."""
        if self.low == self.high:
            return (self.low,)
        return self.spaced(1 + math.ceil(math.log(self.high / self.low) / math.log1p(self.tolerance / 2)))

    def most_lengths(self, repeats: int) -> int:
        """With how many lengths of a grid a search may compare itself in runs."""
        return min(max(self.budget, -(-FEWEST // repeats)), len(self.candidates()))


class Search(BaseModel):
    """Lengths that are chosen as runs end, to find the memory span: ``{"search": {"low": 2, "high": 1000}}``.

    Each task and model has a search of its own. It asks for a few repeats at a few lengths, and then again, round by
    round, around the length at which half of the repeats fail, where the success curve bends.
    """

    model_config = frozen()
    search: SearchRange


def _shape(value: Any) -> str:
    if isinstance(value, Search) or (isinstance(value, dict) and "search" in value):
        return "search"
    return "log" if isinstance(value, (dict, Log)) else "list"


def _once(values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(values)))


Listed = Annotated[tuple[Length, ...], Field(min_length=1, max_length=MOST), AfterValidator(_once)]
Lengths = Annotated[
    Annotated[Listed, Tag("list")] | Annotated[Log, Tag("log")] | Annotated[Search, Tag("search")],
    Discriminator(_shape),
]
"""A set of lengths (given twice = once), a logarithmic range, or a search."""


def expanded(lengths: tuple[int, ...] | Log | Search) -> tuple[int, ...]:
    """The lengths themselves, ascending; of a search all that it may ask for."""
    match lengths:
        case Log():
            return lengths.log.values()
        case Search():
            return lengths.search.candidates()
    return lengths
