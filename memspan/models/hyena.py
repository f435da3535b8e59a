"""Hyena: blocks of gated long convolutions."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import Whole
from memspan.layers.block_model import BlockModel, ConvolutionSize, blocks
from memspan.layers.implicit_convolution import ImplicitConvolution
from memspan.models import model


class Hyena(BlockModel):
    """Convolutions as long as the sequence between two gates made of the input; a small network of time makes kernels.

    It carries no state of a fixed size. Kernels stretch over the length that it is trained at; asked about another
    length it uses the same ones.
    """

    title: ClassVar[str] = "Hyena"
    reference: ClassVar[str] = "Poli et al. (2023), arXiv 2302.10866; github.com/HazyResearch/safari"
    kind: Literal["hyena"] = "hyena"
    filter_size: Annotated[
        Whole, Field(ge=1, le=1_024, description="units of each layer of the network that makes the kernels")
    ] = 16
    short_convolution: ConvolutionSize = 3


@model(Hyena)
def build(spec: Hyena, signature: Signature) -> Network:
    """Blocks of gated long convolutions; matrices start U(±1/sqrt(inputs))."""
    mixer = ImplicitConvolution(spec.hidden_size, spec.filter_size, spec.short_convolution or 0, signature.length)
    return blocks(spec, signature, mixer)
