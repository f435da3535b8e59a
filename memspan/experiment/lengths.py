"""The lengths of an experiment: a set, or a range on a logarithmic scale."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from memspan.parts.spec import Length, Whole, frozen

MOST = 1_000
"""lengths of one experiment"""


class LogRange(BaseModel):
    """``count`` lengths between ``low`` and ``high``, evenly spaced on a logarithmic scale, rounded, each once."""

    model_config = frozen()
    low: Length
    high: Length
    count: Annotated[Whole, Field(ge=1, le=MOST)]

    @model_validator(mode="after")
    def _ordered(self) -> LogRange:
        if self.low > self.high:
            raise PydanticCustomError(
                "out_of_order", "low must not lie above high ({low} > {high}).", {"low": self.low, "high": self.high}
            )
        return self

    def values(self) -> tuple[int, ...]:
        if self.count == 1:
            return (self.low,)
        ratio = (self.high / self.low) ** (1 / (self.count - 1))
        return tuple(sorted({round(self.low * ratio**step) for step in range(self.count)}))


class Log(BaseModel):
    """Lengths on a logarithmic scale: ``{"log": {"low": 2, "high": 200, "count": 16}}``."""

    model_config = frozen()
    log: LogRange


def _shape(value: Any) -> str:
    return "log" if isinstance(value, (dict, Log)) else "list"


def _once(values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(values)))


Listed = Annotated[tuple[Length, ...], Field(min_length=1, max_length=MOST), AfterValidator(_once)]
Lengths = Annotated[Annotated[Listed, Tag("list")] | Annotated[Log, Tag("log")], Discriminator(_shape)]
"""A set of lengths (given twice = once) or a logarithmic range."""


def expanded(lengths: tuple[int, ...] | Log) -> tuple[int, ...]:
    """The lengths themselves, ascending."""
    return lengths.log.values() if isinstance(lengths, Log) else lengths
