"""The base of all model specs."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from memspan.interfaces.match import Match, Width
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import PartSpec, stacked


def _left_out(match: Match | None) -> bool:
    return match is None


class ModelSpec(PartSpec):
    """A family of networks; bound to ``build(spec, signature) -> Network``.

    Each kind says what its ``width`` is; None for one that has a single size.
    """

    width: ClassVar[Width | None]

    match: Annotated[
        Match | None,
        Field(description="what the model is to amount to; its width follows", exclude_if=_left_out),
    ] = None

    embeds_tokens: ClassVar[bool] = False
    """whether its networks read tokens themselves; others are given an embedding of ``embedding_size``"""

    @property
    def embedding_size(self) -> int:
        """Numbers that a token becomes ahead of a model that reads numbers: its units next to the input."""
        return stacked(getattr(self, "hidden_size", 16))[0]

    def objection(self, signature: Signature) -> str | None:
        """Why the model can't answer tasks of a shape, as a sentence; None when it can."""
        return None

    def misfits(self) -> dict[str, str]:
        """Fields that don't go with the width, each with a sentence. Looked at once the width is known."""
        return {}

    @property
    def width_step(self) -> int:
        """What every width is a multiple of."""
        return 1

    def of_width(self, units: int, layers: int = 1) -> Self:
        """The same model with another width; each of several layers has it."""
        if self.width is None:
            raise AssertionError(f"{self.kind} has no width")
        size = (units,) * layers if layers > 1 else units
        first, *others = self.width.fields
        return self.model_copy(update={first: size, **dict.fromkeys(others, units)})

    def content(self) -> dict[str, Any]:
        """What seeds are made of: a width that was found trains the runs of one that was written out."""
        return {name: value for name, value in super().content().items() if name != "match"}
