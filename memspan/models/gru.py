"""GRU: the gated recurrent unit."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from memspan.layers import initial
from memspan.layers.recurrent import Start, recurrent, torch_start
from memspan.models import model
from memspan.parts.cell import Cell, Gates, Parameters, State
from memspan.parts.model import ModelSpec
from memspan.parts.network import Network
from memspan.parts.signature import Signature
from memspan.parts.spec import Sizes, stacked


class GRU(ModelSpec):
    """Gated recurrent unit, with the reset gate after the recurrent product (the form of Keras and torch).

    ``chrono`` starts as keras, but with update biases log U(1, T - 1): the update gate keeps the old state.
    """

    title: ClassVar[str] = "Gated recurrent unit"
    reference: ClassVar[str] = (
        "Cho et al. (2014), arXiv 1406.1078, in the reset-after form of Keras and torch; "
        "chrono: Tallec & Ollivier (2018), arXiv 1804.11188"
    )
    kind: Literal["gru"] = "gru"
    hidden_size: Annotated[Sizes, Field(description="units of the layer, or of each layer from the input up")] = 1
    initialization: Annotated[Literal["keras", "torch", "chrono"], Field(description="how the weights start")] = "keras"


def step(z: Gates, state: State, _: Parameters) -> State:
    """h = (1 - z) ⊙ n + z ⊙ h with n = tanh(a_n + r ⊙ r_n). Each (M, B, H)."""
    a_r, a_z, a_n, r_r, r_z, r_n = z
    (h,) = state
    reset, keep = torch.sigmoid(a_r + r_r), torch.sigmoid(a_z + r_z)
    n = torch.tanh(a_n + reset * r_n)
    return (n + keep * (h - n),)


def keep(z: Gates, state: State, _: Parameters) -> Tensor:
    """The update gate σ(z), which keeps the old state, (M, B, H)."""
    return torch.sigmoid(z[1] + z[4])


CELL = Cell(("r", "z", "n"), ("h",), step, joined=False, keep=keep)


@model(GRU)
def build(spec: GRU, signature: Signature) -> Network:
    """A stack of GRU layers; gate order r, z, n, and z = 1 keeps the state."""
    return recurrent(CELL, stacked(spec.hidden_size), signature, start(spec, signature.length))


def start(spec: GRU, length: int) -> Start:
    """Initial weights for sequences of ``length`` steps; two biases, as in Keras' reset-after form."""
    if spec.initialization == "torch":
        return torch_start(gates=3)
    update = initial.chrono(length) if spec.initialization == "chrono" else initial.zeros
    bias = initial.blocks(initial.zeros, update, initial.zeros)
    return Start(initial.glorot_uniform, initial.orthogonal, bias, recurrent_bias=initial.zeros)
