"""Gated DeltaNet: blocks whose heads correct what they hold."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.layers.block_model import ConvolutionSize, Headed, Heads, KeySize, blocks
from memspan.layers.delta_memory import DeltaMemory
from memspan.models import model


class DeltaNet(Headed):
    """The delta rule: each head keeps a matrix from keys to values, and corrects it by what it gets wrong.

    What a key held before is replaced, where linear attention would add to it. ``gated``: the matrix also fades, by a
    share that the input decides.
    """

    title: ClassVar[str] = "Gated DeltaNet"
    reference: ClassVar[str] = (
        "Yang, Kautz & Hatamizadeh (2024), arXiv 2412.06464; without gates Schlag, Irie & Schmidhuber (2021), "
        "arXiv 2102.11174"
    )
    kind: Literal["delta_net"] = "delta_net"
    heads: Heads = 1
    key_size: KeySize = None
    gated: Annotated[bool, Field(strict=True, description="whether the matrix fades by a share made of the input")] = (
        True
    )
    short_convolution: ConvolutionSize = 4


@model(DeltaNet)
def build(spec: DeltaNet, signature: Signature) -> Network:
    """Blocks of the delta rule; matrices start U(±1/sqrt(d))."""
    key = spec.key_size or max(1, spec.hidden_size // spec.heads)
    mixer = DeltaMemory(spec.hidden_size, spec.heads, key, spec.short_convolution or 0, spec.gated)
    return blocks(spec, signature, mixer)
