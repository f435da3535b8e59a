"""Attention: blocks of causal softmax attention, as in Transformers."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import Whole
from memspan.layers.block_model import ConvolutionSize, Headed, Heads, blocks
from memspan.layers.causal_attention import CausalAttention
from memspan.models import model

Window = Annotated[Annotated[Whole, Field(ge=1, le=10_000)] | None, Field(description="steps that a block sees, the "
                   "step itself included; null: all that came before")]  # fmt: skip


class Attention(Headed):
    """Causal softmax attention: each step looks at all steps up to it, and weighs them by how their keys fit.

    It carries no state of a fixed size: keys and values of every step it sees are kept, 2 hidden_size numbers each.
    One block can look a value up by what stands at its own step alone, so "what followed this before?" takes two
    blocks, or one with a short convolution of queries, keys and values.

    With ``learned`` positions it can't be asked about another length than it was trained on.
    """

    title: ClassVar[str] = "Causal softmax attention"
    reference: ClassVar[str] = "Vaswani et al. (2017), arXiv 1706.03762; rotary positions: Su et al., arXiv 2104.09864"
    kind: Literal["attention"] = "attention"
    positions: Annotated[
        Literal["rotary", "learned", "none"],
        Field(
            description="rotary: queries and keys turned by their step; learned: a vector for each step, added to the "
            "inputs; none: the causal mask alone",
        ),
    ] = "rotary"
    heads: Heads = 1
    window: Window = None
    short_convolution: ConvolutionSize = None

    @property
    def width_step(self) -> int:
        return self.heads * (2 if self.positions == "rotary" else 1)

    def misfits(self) -> dict[str, str]:
        each, rest = divmod(self.hidden_size, self.heads)
        if self.positions == "rotary" and each % 2 and not rest:
            given = f"given {self.hidden_size} / {self.heads}"
            return {"heads": f"rotary turns pairs of numbers: hidden_size / heads must be even, {given}."}
        return super().misfits()


@model(Attention)
def build(spec: Attention, signature: Signature) -> Network:
    """Blocks of attention; matrices start U(±1/sqrt(d)), the embedding and learnt positions N(0, embedding_std²)."""
    rotary, convolution = spec.positions == "rotary", spec.short_convolution or 0
    mixer = CausalAttention(spec.hidden_size, spec.heads, rotary, spec.window, convolution)
    return blocks(spec, signature, mixer, signature.length if spec.positions == "learned" else 0)
