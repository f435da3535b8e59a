"""RNN: the plain recurrent network."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field

from memspan.layers import initial
from memspan.layers.recurrent import Start, recurrent, torch_start
from memspan.models import model
from memspan.parts.cell import Cell
from memspan.parts.model import ModelSpec
from memspan.parts.network import Network
from memspan.parts.signature import Signature
from memspan.parts.spec import Sizes, stacked


class RNN(ModelSpec):
    """A plain recurrent network: h = tanh(W x + U h + b)."""

    title: ClassVar[str] = "Plain recurrent network"
    reference: ClassVar[str] = "Elman (1990), Cognitive Science 14(2)"
    kind: Literal["rnn"] = "rnn"
    hidden_size: Annotated[Sizes, Field(description="units of the layer, or of each layer from the input up")] = 1
    activation: Annotated[Literal["tanh", "relu"], Field(description="of the state")] = "tanh"
    initialization: Annotated[
        Literal["keras", "torch"],
        Field(description="keras: Glorot kernel, orthogonal recurrent; torch: all U(±1/sqrt(H)), two biases"),
    ] = "keras"


CELLS = {
    "tanh": Cell(("h",), ("h",), lambda z, state, _: (torch.tanh(z[0]),)),
    "relu": Cell(("h",), ("h",), lambda z, state, _: (torch.relu(z[0]),)),
}
"""The cell for each activation."""


@model(RNN)
def build(spec: RNN, signature: Signature) -> Network:
    """h_t = tanh(W x_t + U h_{t-1} + b), or relu."""
    return recurrent(CELLS[spec.activation], stacked(spec.hidden_size), signature, start(spec))


def start(spec: RNN) -> Start:
    """Initial weights as SimpleRNN of Keras or nn.RNN of torch has them."""
    if spec.initialization == "keras":
        return Start(initial.glorot_uniform, initial.orthogonal, initial.zeros)
    return torch_start(gates=1)
