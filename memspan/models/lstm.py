"""LSTM: long short-term memory with a forget gate."""

from __future__ import annotations

from functools import partial
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.layers import initial
from memspan.layers.dense import ACTIVATIONS
from memspan.layers.recurrent import Start, recurrent, torch_start
from memspan.models import model
from memspan.parts.cell import Cell, Gates, Parameters, State
from memspan.parts.model import ModelSpec
from memspan.parts.network import Initializer, Network
from memspan.parts.signature import Signature
from memspan.parts.spec import Sizes, stacked


class LSTM(ModelSpec):
    """Long short-term memory: a gated cell state beside the output.

    ``keras`` starts with a Glorot kernel, an orthogonal recurrent matrix and forget biases of 1; ``torch`` with all
    weights U(±1/sqrt(H)) and two biases; ``chrono`` as keras, but with forget biases log U(1, T - 1) and input biases
    of the opposite sign, so that the cell starts with time constants as long as the sequence.
    """

    title: ClassVar[str] = "Long short-term memory"
    reference: ClassVar[str] = (
        "Hochreiter & Schmidhuber (1997), Neural Computation 9(8); forget gate: Gers, Schmidhuber & Cummins (2000); "
        "chrono: Tallec & Ollivier (2018), arXiv 1804.11188"
    )
    kind: Literal["lstm"] = "lstm"
    hidden_size: Annotated[Sizes, Field(description="units of the layer, or of each layer from the input up")] = 1
    activation: Annotated[
        Literal["tanh", "softplus"], Field(description="of the candidate and of the output; the gates stay logistic")
    ] = "tanh"
    initialization: Annotated[Literal["keras", "torch", "chrono"], Field(description="how the weights start")] = "keras"


def step(z: Gates, state: State, _: Parameters, activation: str) -> State:
    """c = f ⊙ c + i ⊙ g and h = o ⊙ act(c). Each (M, B, H)."""
    act = ACTIVATIONS[activation]
    i, f, g, o = z
    c = state[1]
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * act(g)
    return torch.sigmoid(o) * act(c), c


def forget(z: Gates, state: State, _: Parameters) -> Tensor:
    """The forget gate σ(f), (M, B, H)."""
    return torch.sigmoid(z[1])


@model(LSTM)
def build(spec: LSTM, signature: Signature) -> Network:
    """A stack of LSTM layers.

    Source:
        Gers, Schmidhuber & Cummins (2000); gate order i, f, g, o as in Keras and torch.
    """
    cell = Cell(("i", "f", "g", "o"), ("h", "c"), partial(step, activation=spec.activation), keep=forget, memory="c")
    return recurrent(cell, stacked(spec.hidden_size), signature, start(spec, signature.length))


def start(spec: LSTM, length: int) -> Start:
    """Initial weights for sequences of ``length`` steps."""
    if spec.initialization == "torch":
        return torch_start(gates=4)
    bias = unit_forget if spec.initialization == "keras" else chrono_bias(length)
    return Start(initial.glorot_uniform, initial.orthogonal, bias)


unit_forget: Initializer = initial.blocks(initial.zeros, initial.ones, initial.zeros, initial.zeros)
"""Keras' unit_forget_bias: b_f = 1, the others 0."""


def chrono_bias(length: int) -> Initializer:
    """b_f = log U(1, T - 1), b_i = -b_f, the others 0."""

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        forget = initial.chrono(length)((shape[0] // 4,), rng)
        return torch.cat([-forget, forget, torch.zeros_like(forget), torch.zeros_like(forget)])

    return draw
