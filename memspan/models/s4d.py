"""S4D: blocks of diagonal state spaces that no input changes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import Whole
from memspan.layers.block_model import BlockModel, ConvolutionSize, blocks
from memspan.layers.diagonal_state_space import DiagonalStateSpace
from memspan.models import model


class S4D(BlockModel):
    """Diagonal state spaces: each channel is followed by states that fade at rates of their own, whatever is shown.

    Linear and the same at all times, so all steps are one convolution. It can hold, but not choose what to hold: beside
    a model whose gates depend on the input it shows what selection is worth.
    """

    title: ClassVar[str] = "Diagonal state space"
    reference: ClassVar[str] = "Gu, Gupta, Goel & Ré (2022), arXiv 2206.11893"
    kind: Literal["s4d"] = "s4d"
    initialization: Annotated[
        Literal["real", "linear"],
        Field(description="real: states fade at rates -1 .. -N; linear: pairs that fade at -1/2 and turn at π n"),
    ] = "real"
    state_size: Annotated[
        Whole, Field(ge=1, le=1_024, description="numbers that each channel carries from step to step")
    ] = 16
    short_convolution: ConvolutionSize = None

    @field_validator("state_size")
    @classmethod
    def _in_pairs(cls, value: int, info: ValidationInfo) -> int:
        if info.data.get("initialization") == "linear" and value % 2:
            message = "Must be even where the states are pairs (initialization linear), given {value}."
            raise PydanticCustomError("out_of_range", message, {"value": value})
        return value


@model(S4D)
def build(spec: S4D, signature: Signature) -> Network:
    """Blocks of diagonal state spaces."""
    linear, convolution = spec.initialization == "linear", spec.short_convolution or 0
    return blocks(spec, signature, DiagonalStateSpace(spec.hidden_size, spec.state_size, linear, convolution))
