"""The caps that keep one request from asking for the absurd."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError


@dataclass(frozen=True)
class Limits:
    """Largest values that a spec may ask for; a service's settings replace them."""

    length: int = 10_000
    """time steps of a sequence"""
    repeats: int = 1_000
    """repeats of a condition"""
    epochs: int = 100_000
    """epochs of a run"""
    hidden_size: int = 4_096
    """units of a layer"""
    name: int = 200
    """characters of a name"""
    runs: int = 100_000
    """runs of one experiment"""
    samples: int = 1_000_000
    """sequences of one data set"""
    values: int = 200_000_000
    """numbers in one data set (sequences x steps x channels)"""
    parameters: int = 100_000_000
    """parameters of one network"""


def limits_of(info: ValidationInfo) -> Limits:
    """The limits in force: those of the validation context, else the defaults."""
    context: Any = info.context
    return context["limits"] if context and "limits" in context else Limits()


class Within:
    """Validator: a number lies in ``low .. limit``, where the limit is a field of Limits."""

    def __init__(self, limit: str, low: int) -> None:
        self.limit, self.low = limit, low

    def __call__(self, value: int, info: ValidationInfo) -> int:
        high = getattr(limits_of(info), self.limit)
        if not self.low <= value <= high:
            raise PydanticCustomError(
                "out_of_range",
                "Must lie between {low} and {high}.",
                {"low": self.low, "high": high},
            )
        return value
