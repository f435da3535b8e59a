"""Mamba: blocks of selective state spaces."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import Whole
from memspan.layers.block_model import BlockModel, ConvolutionSize, blocks
from memspan.layers.selective_state_space import SelectiveStateSpace
from memspan.models import model


class Mamba(BlockModel):
    """Selective state spaces (S6): how long each state is kept, and what is written and read, depends on the input.

    Inside a block it is twice as wide as between them. The short convolution ahead of the scan is part of the published
    model; without it a block sees one step at a time.
    """

    title: ClassVar[str] = "Mamba"
    reference: ClassVar[str] = "Gu & Dao (2023), arXiv 2312.00752; github.com/state-spaces/mamba"
    kind: Literal["mamba"] = "mamba"
    state_size: Annotated[
        Whole, Field(ge=1, le=1_024, description="numbers that each of the 2 hidden_size inner channels carries")
    ] = 16
    short_convolution: ConvolutionSize = 4


@model(Mamba)
def build(spec: Mamba, signature: Signature) -> Network:
    """Blocks of S6; weights start as in the authors' code."""
    mixer = SelectiveStateSpace(spec.hidden_size, spec.state_size, spec.short_convolution or 0)
    return blocks(spec, signature, mixer)
