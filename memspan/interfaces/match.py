"""Matches: a model's size asked for as what it amounts to, instead of as its width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from memspan.interfaces.limits import Within
from memspan.interfaces.spec import Whole, frozen

GOALS = ("parameters", "inner_parameters", "state_size", "multiplications")
LARGEST = 10**15
"""multiplications of a step, and numbers of a state: far beyond what any worker holds"""


def _left_out(value: Any) -> bool:
    return value is None


def _goal(description: str) -> Any:
    return Field(default=None, description=description, exclude_if=_left_out)


class Match(BaseModel):
    """What a model is to amount to: one of four counts. Its width is then the one that comes nearest, within 5 %.

    Counted at the longest length of each task; where tasks differ in what they show and ask for, one width must come
    within 5 % for all of them.
    """

    model_config = frozen()
    parameters: Annotated[Whole, Within("parameters")] | None = _goal("trainable numbers, all of them")
    inner_parameters: Annotated[Whole, Within("parameters")] | None = _goal(
        "trainable numbers without the embedding of the inputs, learnt positions and the read-out"
    )
    state_size: Annotated[Whole, Field(ge=1, le=LARGEST)] | None = _goal(
        "numbers carried from one step to the next; where they grow, as in attention, at the end of the longest length"
    )
    multiplications: Annotated[Whole, Field(ge=1, le=LARGEST)] | None = _goal(
        "products of a number with a number in the answer to one sequence, without those of elementwise operations, "
        "divided by its steps"
    )
    layers: Annotated[Whole, Field(ge=1, le=16)] | None = _goal(
        "layers of one width, for models whose hidden_size may be a list; null: one"
    )

    @model_validator(mode="after")
    def _one_goal(self) -> Match:
        given = [name for name in GOALS if getattr(self, name) is not None]
        if len(given) != 1:
            names = f"{', '.join(GOALS[:-1])} and {GOALS[-1]}"
            message = "Give exactly one of {names}; given {given}."
            raise PydanticCustomError("one_goal", message, {"names": names, "given": ", ".join(given) or "none"})
        return self

    @property
    def goal(self) -> str:
        """Which count is asked for."""
        return next(name for name in GOALS if getattr(self, name) is not None)

    @property
    def wanted(self) -> int:
        """How many of it."""
        found: int = getattr(self, self.goal)
        return found


@dataclass(frozen=True)
class Width:
    """What makes a kind of model wider.

    Attributes:
        fields: of its spec, which are set to the same number of units, channels or filters.
        stacked: whether the first may be a list, a number for each layer.
        least: units, at least.
    """

    fields: tuple[str, ...] = ("hidden_size",)
    stacked: bool = False
    least: int = 1

    @property
    def field(self) -> str:
        """The one that errors and answers name."""
        return self.fields[0]
