"""The caps that keep one request from asking for the absurd."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


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
    step_values: int = 500_000_000
    """numbers that one training step carries through time (stacked runs x sequences x steps x state)"""
    parameters: int = 100_000_000
    """parameters of one network"""


def limits_of(info: ValidationInfo) -> Limits:
    """The limits in force: those of the validation context, else the defaults."""
    context: Any = info.context
    found: Limits = context["limits"] if context and "limits" in context else Limits()
    return found


class Within:
    """Marks a whole number that lies in ``low .. limit``, where the limit is a field of Limits.

    ``Annotated[Whole, Within("length")]``; the JSON Schema shows the default limit.
    """

    def __init__(self, limit: str, low: int = 1) -> None:
        self.limit, self.low = limit, low

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {"minimum": self.low, "maximum": getattr(Limits(), self.limit)}

    def _check(self, value: int, info: ValidationInfo) -> int:
        high = getattr(limits_of(info), self.limit)
        if not self.low <= value <= high:
            message = "Must lie between {low} and {high}."
            raise PydanticCustomError("out_of_range", message, {"low": self.low, "high": high})
        return value
