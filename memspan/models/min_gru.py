"""minGRU: a gated unit whose gates don't look at the state."""

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
from memspan.layers.minimal_gated import CANDIDATES, Candidate
from memspan.layers.recurrent import Start, Starts, linear_start, recurrent
from memspan.layers.stacked import Stacked
from memspan.models import model


class MinGRU(Stacked):
    """Minimal gated unit: h = (1 - z) ⊙ h + z ⊙ h̃ with z = σ(W x + b) and h̃ = W' x + b'.

    Nothing in it multiplies by the state's own matrix, so it is linear in time: it can hold a value, but it can
    neither clean it of noise nor flip it. Unlike in a GRU z = 1 overwrites.

    ``keras`` starts with a Glorot kernel and no bias; ``torch`` with U(±1/sqrt(inputs)) everywhere, as the authors'
    linear layers; ``chrono`` as keras, but with gate biases -log U(1, T - 1).
    """

    title: ClassVar[str] = "Minimal gated recurrent unit"
    reference: ClassVar[str] = "Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), arXiv 2410.01201"
    kind: Literal["min_gru"] = "min_gru"
    candidate: Candidate = "linear"
    initialization: Annotated[Literal["keras", "torch", "chrono"], Field(description="how the weights start")] = "keras"


@model(MinGRU)
def build(spec: MinGRU, signature: Signature) -> Network:
    """A stack of minGRU layers; gate order z, h̃."""
    start = starts(spec, signature.length)
    return recurrent(cell(spec), spec.sizes, signature, start, spec.bidirectional, spec.dropout)


def cell(spec: MinGRU) -> Cell:
    """The step that a spec asks for."""
    return Cell(("z", "h"), ("h",), partial(step, candidate=spec.candidate), recurrent=False, keep=keep)


def step(z: Preactivations, state: State, _: Parameters, candidate: str) -> State:
    """h = (1 - z) ⊙ h + z ⊙ h̃. Each (M, B, H)."""
    (h,) = state
    return (h + torch.sigmoid(z[0]) * (CANDIDATES[candidate](z[1]) - h),)


def keep(z: Preactivations, state: State, _: Parameters) -> Tensor:
    """1 - z, (M, B, H)."""
    return torch.sigmoid(-z[0])


def starts(spec: MinGRU, length: int) -> Start | Starts:
    """Initial weights for sequences of ``length`` steps."""
    if spec.initialization == "torch":
        return linear_start
    gate = initializers.negative(initializers.chrono(length)) if spec.initialization == "chrono" else initializers.zeros
    return Start(initializers.glorot_uniform, initializers.zeros, initializers.by_block(gate, initializers.zeros))
