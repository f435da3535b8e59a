"""RNN: the plain recurrent network."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from memspan.interfaces.cell import Cell
from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.layers import initializers
from memspan.layers.recurrent import Start, recurrent, torch_start
from memspan.layers.stacked import Stacked
from memspan.models import model


class RNN(Stacked):
    """A plain recurrent network: h = tanh(W x + U h + b), or relu.

    ``keras`` starts with a Glorot kernel, an orthogonal recurrent matrix and no bias; ``torch`` with all weights
    U(±1/sqrt(H)) and two biases; ``irnn`` with U = I, b = 0 and a kernel N(0, 0.001^2), which is meant for relu: it
    implies it, and refuses tanh.
    """

    title: ClassVar[str] = "Plain recurrent network"
    reference: ClassVar[str] = (
        "Elman (1990), Cognitive Science 14(2); irnn: Le, Jaitly & Hinton (2015), arXiv 1504.00941"
    )
    kind: Literal["rnn"] = "rnn"
    initialization: Annotated[Literal["keras", "torch", "irnn"], Field(description="how the weights start")] = "keras"
    activation: Annotated[Literal["tanh", "relu"], Field(description="of the state; relu where irnn is asked for")] = (
        "tanh"
    )

    @field_validator("activation")
    @classmethod
    def _irnn_needs_relu(cls, given: str, info: ValidationInfo) -> str:
        if given == "tanh" and info.data.get("initialization") == "irnn":
            raise PydanticCustomError(
                "does_not_apply", "irnn starts a relu network at the identity: leave activation out, or set it to relu."
            )
        return given

    @model_validator(mode="after")
    def _irnn_implies_relu(self) -> RNN:
        if self.initialization == "irnn":
            object.__setattr__(self, "activation", "relu")
        return self


CELLS = {
    "tanh": Cell(("h",), ("h",), lambda z, state, _: (torch.tanh(z[0]),)),
    "relu": Cell(("h",), ("h",), lambda z, state, _: (torch.relu(z[0]),)),
}
"""The cell for each activation."""

STARTS = {
    "keras": Start(initializers.glorot_uniform, initializers.orthogonal, initializers.zeros),
    "torch": torch_start(gates=1),
    "irnn": Start(initializers.normal(0.001), initializers.identity, initializers.zeros),
}
"""Initial weights as SimpleRNN of Keras has them, as nn.RNN of torch, and as the identity network's authors."""


@model(RNN)
def build(spec: RNN, signature: Signature) -> Network:
    """h_t = tanh(W x_t + U h_{t-1} + b), or relu."""
    start = STARTS[spec.initialization]
    return recurrent(CELLS[spec.activation], spec.sizes, signature, start, spec.bidirectional, spec.dropout)
