"""sLSTM: blocks of an LSTM with exponential gates."""

from __future__ import annotations

from typing import ClassVar, Literal

from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.layers.block_model import ConvolutionSize, Headed, Heads, blocks
from memspan.layers.scalar_lstm import ScalarLSTM
from memspan.models import model


class SLSTM(Headed):
    """An LSTM with an exponential input gate and a normaliser, so that it can revise what it stored.

    Its gates look at its output, which lets it track what models without such a loop can't, and makes it go step by
    step. Heads see nothing of each other within a block.
    """

    title: ClassVar[str] = "sLSTM"
    reference: ClassVar[str] = "Beck et al. (2024), arXiv 2405.04517; github.com/NX-AI/xlstm"
    kind: Literal["slstm"] = "slstm"
    heads: Heads = 1
    short_convolution: ConvolutionSize = None


@model(SLSTM)
def build(spec: SLSTM, signature: Signature) -> Network:
    """Blocks of sLSTM."""
    return blocks(spec, signature, ScalarLSTM(spec.hidden_size, spec.heads, spec.short_convolution or 0))
