"""Gated linear attention: blocks whose heads add up what they saw in a matrix that fades."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.layers.block_model import ConvolutionSize, Headed, Heads, KeySize, blocks
from memspan.layers.linear_attention import LinearAttention
from memspan.models import model


class GatedLinearAttention(Headed):
    """Linear attention that forgets: each head adds key times value to a matrix, and lets the matrix fade.

    What it holds doesn't grow with the sequence: heads x key_size x hidden_size / heads numbers, so more heads hold
    less at equal width. ``vector`` decays are those of GLA, ``head`` those of Mamba-2, ``fixed`` those of RetNet.
    """

    title: ClassVar[str] = "Gated linear attention"
    reference: ClassVar[str] = (
        "Yang et al. (2023), arXiv 2312.06635; RetNet: Sun et al. (2023), arXiv 2307.08621; Mamba-2: Dao & Gu (2024), "
        "arXiv 2405.21060"
    )
    kind: Literal["gated_linear_attention"] = "gated_linear_attention"
    decay: Annotated[
        Literal["vector", "head", "fixed"],
        Field(description="vector: a share for each number of a key, made of the input; head: one for each head, made "
              "of the input; fixed: 1 - 2^(-5 - i) of head i"),
    ] = "vector"  # fmt: skip
    heads: Heads = 1
    key_size: KeySize = None
    short_convolution: ConvolutionSize = None


@model(GatedLinearAttention)
def build(spec: GatedLinearAttention, signature: Signature) -> Network:
    """Blocks of linear attention; matrices start U(±1/sqrt(d))."""
    key = spec.key_size or max(1, spec.hidden_size // spec.heads)
    mixer = LinearAttention(spec.hidden_size, spec.heads, key, spec.short_convolution or 0, spec.decay)
    return blocks(spec, signature, mixer)
