"""GRU: the gated recurrent unit."""

from __future__ import annotations

from functools import partial
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from memspan.interfaces.cell import Cell, Parameters, Preactivations, State
from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.layers import initializers
from memspan.layers.gate_activation import GATE_ACTIVATIONS, GateActivation
from memspan.layers.recurrent import Start, recurrent, torch_start
from memspan.layers.stacked import Stacked
from memspan.models import model


class GRU(Stacked):
    """Gated recurrent unit: h = (1 - z) ⊙ n + z ⊙ h, so z = 1 keeps the state, as in Keras and torch.

    ``reset`` says what the reset gate acts on: ``after`` the recurrent product, n = tanh(W x + b + r ⊙ (U h + b')),
    the form of Keras and torch; ``before`` it, n = tanh(W x + U (r ⊙ h) + b), the paper's final form, which Keras
    calls reset_after=False and gives one bias.

    ``keras`` starts with a Glorot kernel, an orthogonal recurrent matrix and no bias; ``torch`` with all weights
    U(±1/sqrt(H)) and two biases; ``chrono`` as keras, but with update biases log U(1, T - 1).
    """

    title: ClassVar[str] = "Gated recurrent unit"
    reference: ClassVar[str] = (
        "Cho et al. (2014), arXiv 1406.1078, in the forms of Keras and torch; "
        "chrono: Tallec & Ollivier (2018), arXiv 1804.11188"
    )
    kind: Literal["gru"] = "gru"
    reset: Annotated[
        Literal["after", "before"], Field(description="whether the reset gate acts after or before the product U h")
    ] = "after"
    recurrent_activation: GateActivation = "sigmoid"
    initialization: Annotated[Literal["keras", "torch", "chrono"], Field(description="how the weights start")] = "keras"


@model(GRU)
def build(spec: GRU, signature: Signature) -> Network:
    """A stack of GRU layers; gate order r, z, n."""
    start = starts(spec, signature.length)
    return recurrent(cell(spec), spec.sizes, signature, start, spec.bidirectional, spec.dropout)


def cell(spec: GRU) -> Cell:
    """The step that a spec asks for."""
    logistic, gates = spec.recurrent_activation, ("r", "z", "n")
    if spec.reset == "after":
        after, keep = partial(reset_after, logistic=logistic), partial(keep_after, logistic=logistic)
        return Cell(gates, ("h",), after, joined=False, keep=keep)
    before, keep = partial(reset_before, logistic=logistic), partial(keep_before, logistic=logistic)
    return Cell(gates, ("h",), before, inner=partial(reset_state, logistic=logistic), keep=keep)


def reset_after(z: Preactivations, state: State, _: Parameters, logistic: str) -> State:
    """h = (1 - z) ⊙ n + z ⊙ h with n = tanh(a_n + r ⊙ r_n). Each (M, B, H)."""
    a_r, a_z, a_n, r_r, r_z, r_n = z
    squash = GATE_ACTIVATIONS[logistic]
    n = torch.tanh(a_n + squash(a_r + r_r) * r_n)
    return (_between(squash(a_z + r_z), n, state[0]),)


def keep_after(z: Preactivations, state: State, _: Parameters, logistic: str) -> Tensor:
    """The update gate, which keeps the old state, (M, B, H)."""
    return GATE_ACTIVATIONS[logistic](z[1] + z[4])


def reset_before(z: Preactivations, state: State, _: Parameters, logistic: str) -> State:
    """h = (1 - z) ⊙ n + z ⊙ h with n = tanh(z_n), where z_n holds U (r ⊙ h). Each (M, B, H)."""
    return (_between(GATE_ACTIVATIONS[logistic](z[1]), torch.tanh(z[2]), state[0]),)


def reset_state(z: Preactivations, state: State, _: Parameters, logistic: str) -> Tensor:
    """r ⊙ h: what the candidate's recurrent product takes, (M, B, H)."""
    return GATE_ACTIVATIONS[logistic](z[0]) * state[0]


def keep_before(z: Preactivations, state: State, _: Parameters, logistic: str) -> Tensor:
    """The update gate, which keeps the old state, (M, B, H)."""
    return GATE_ACTIVATIONS[logistic](z[1])


def _between(keep: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """(1 - keep) ⊙ new + keep ⊙ old, with one product less."""
    return new + keep * (old - new)


def starts(spec: GRU, length: int) -> Start:
    """Initial weights for sequences of ``length`` steps; Keras has a second bias in the reset-after form only."""
    if spec.initialization == "torch":
        return torch_start(gates=3)
    update = initializers.chrono(length) if spec.initialization == "chrono" else initializers.zeros
    bias = initializers.by_block(initializers.zeros, update, initializers.zeros)
    second = initializers.zeros if spec.reset == "after" else None
    return Start(initializers.glorot_uniform, initializers.orthogonal, bias, recurrent_bias=second)
