"""mLSTM: blocks of an LSTM whose cell is a matrix."""

from __future__ import annotations

from typing import ClassVar, Literal

from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.layers.block_model import ConvolutionSize, Headed, Heads, KeySize, blocks
from memspan.layers.matrix_lstm import MatrixLSTM
from memspan.models import model


class MLSTM(Headed):
    """An LSTM with a matrix for a cell and an exponential input gate, so that what matters can outweigh all before it.

    Its gates don't look at its output, so all steps are computed at once. The short convolution of queries and keys is
    part of the published block.
    """

    title: ClassVar[str] = "mLSTM"
    reference: ClassVar[str] = "Beck et al. (2024), arXiv 2405.04517; github.com/NX-AI/xlstm"
    kind: Literal["mlstm"] = "mlstm"
    heads: Heads = 1
    key_size: KeySize = None
    short_convolution: ConvolutionSize = 4


@model(MLSTM)
def build(spec: MLSTM, signature: Signature) -> Network:
    """Blocks of mLSTM; matrices start U(±1/sqrt(d))."""
    key = spec.key_size or max(1, spec.hidden_size // spec.heads)
    mixer = MatrixLSTM(spec.hidden_size, spec.heads, key, spec.short_convolution or 0)
    return blocks(spec, signature, mixer)
