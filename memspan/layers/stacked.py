"""What all recurrent models let a user choose about their layers."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from memspan.interfaces.match import Width
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import LayerSizes, Real, stacked

SEEDED_WITHOUT = 1
"""units that stand in no seed: they were the default when the first seeds were made"""


class Stacked(ModelSpec):
    """A stack of recurrent layers of one cell."""

    width: ClassVar[Width | None] = Width(stacked=True)

    hidden_size: Annotated[LayerSizes, Field(description="units of the layer, or of each layer from the input up")] = 16
    bidirectional: Annotated[
        bool,
        Field(strict=True, description="each layer also runs from the last step to the first, outputs side by side"),
    ] = False
    dropout: Annotated[
        Real, Field(ge=0, lt=1, description="share of each layer's outputs that training sets to 0 on the way up")
    ] = 0.0

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of each layer, from the input upwards."""
        return stacked(self.hidden_size)

    def content(self) -> dict[str, Any]:
        """What seeds are made of: the units, too, but where there is one, so that its runs keep their seeds."""
        content = {"kind": self.kind} | self.model_dump(mode="json", include={"hidden_size"}) | super().content()
        if self.hidden_size == SEEDED_WITHOUT:
            del content["hidden_size"]
        return content

    def objection(self, signature: Signature) -> str | None:
        """A layer that runs backward has seen the future when it answers."""
        if self.bidirectional and signature.every_step:
            return (
                f"A bidirectional {self.kind} sees later steps, and this task asks for an answer at every step, "
                "made of that step and those before it."
            )
        return None
