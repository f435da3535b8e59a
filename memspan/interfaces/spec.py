"""Specs: what a user writes, parsed once into types that can't be wrong."""

from __future__ import annotations

import inspect
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from memspan.interfaces.limits import Within

Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A finite number; neither a string nor a boolean."""
Whole = Annotated[int, Field(strict=True)]
"""A whole number; neither a string, a boolean nor 5.0."""


Length = Annotated[Whole, Within("length")]
Units = Annotated[Whole, Within("hidden_size")]


def _one_or_stack(value: Any) -> str:
    return "stack" if isinstance(value, (list, tuple)) else "one"


LayerSizes = Annotated[
    Annotated[Units, Tag("one")]
    | Annotated[Annotated[tuple[Units, ...], Field(min_length=1, max_length=16)], Tag("stack")],
    Discriminator(_one_or_stack),
]
"""Units of one layer, or of each layer of a stack from the input upwards."""


def stacked(sizes: int | tuple[int, ...]) -> tuple[int, ...]:
    """The sizes of all layers, the first next to the input."""
    return sizes if isinstance(sizes, tuple) else (sizes,)


def frozen(extra: Any = None) -> ConfigDict:
    """The configuration of every spec: immutable, and unknown fields are refused."""
    return ConfigDict(frozen=True, extra="forbid", json_schema_extra=extra)


def _kind_is_required(schema: dict[str, Any]) -> None:
    """In a tagged union the tag must be given, though the Python class has it as a default."""
    schema["required"] = ["kind", *(name for name in schema.get("required", []) if name != "kind")]


class PartSpec(BaseModel):
    """The spec of a task, model or probe: its docstring is what the catalogue tells users."""

    model_config = frozen(_kind_is_required)

    title: ClassVar[str]
    reference: ClassVar[str]
    kind: str

    @classmethod
    def summary(cls) -> str:
        """The first paragraph of the docstring, on one line."""
        return " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())

    def content(self) -> dict[str, Any]:
        """The kind and every field that differs from its default: what seeds are made of.

        Leaving defaults out keeps the seeds of old experiments when a part gains a field.
        """
        return {"kind": self.kind, **self.model_dump(mode="json", exclude_defaults=True)}
