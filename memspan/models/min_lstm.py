"""minLSTM: a forget and an input gate that don't look at the state and add up to 1."""

from __future__ import annotations

from functools import partial
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn.functional import softplus

from memspan.interfaces.cell import Cell, Parameters, Preactivations, State
from memspan.interfaces.network import Initializer, Network
from memspan.interfaces.signature import Signature
from memspan.layers import initializers
from memspan.layers.minimal_gated import CANDIDATES, Candidate
from memspan.layers.recurrent import Start, Starts, linear_start, recurrent
from memspan.layers.stacked import Stacked
from memspan.models import model


class MinLSTM(Stacked):
    """Minimal LSTM: h = f' ⊙ h + i' ⊙ h̃ with f' = f / (f + i) and i' = i / (f + i), all three made of x alone.

    Like minGRU it is linear in time: it can hold a value, but neither clean it of noise nor flip it.

    ``keras`` starts with a Glorot kernel and no bias; ``torch`` with U(±1/sqrt(inputs)) everywhere, as the authors'
    linear layers; ``chrono`` as keras, but with forget biases log U(1, T - 1) and input biases of the opposite sign.
    """

    title: ClassVar[str] = "Minimal LSTM"
    reference: ClassVar[str] = "Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), arXiv 2410.01201"
    kind: Literal["min_lstm"] = "min_lstm"
    candidate: Candidate = "linear"
    initialization: Annotated[Literal["keras", "torch", "chrono"], Field(description="how the weights start")] = "keras"


@model(MinLSTM)
def build(spec: MinLSTM, signature: Signature) -> Network:
    """A stack of minLSTM layers; gate order f, i, h̃."""
    start = starts(spec, signature.length)
    return recurrent(cell(spec), spec.sizes, signature, start, spec.bidirectional, spec.dropout)


def cell(spec: MinLSTM) -> Cell:
    """The step that a spec asks for."""
    return Cell(("f", "i", "h"), ("h",), partial(step, candidate=spec.candidate), recurrent=False, keep=keep)


def step(z: Preactivations, state: State, _: Parameters, candidate: str) -> State:
    """h = f' ⊙ h + i' ⊙ h̃, where f' = 1 - i'. Each (M, B, H)."""
    (h,) = state
    return (h + torch.sigmoid(_odds(z)) * (CANDIDATES[candidate](z[2]) - h),)


def keep(z: Preactivations, state: State, _: Parameters) -> Tensor:
    """f' = f / (f + i), (M, B, H)."""
    return torch.sigmoid(-_odds(z))


def _odds(z: Preactivations) -> Tensor:
    """log i - log f, so that i' = i / (f + i) is its σ: no small f and i can turn it into 0 / 0."""
    return softplus(-z[0]) - softplus(-z[1])


def starts(spec: MinLSTM, length: int) -> Start | Starts:
    """Initial weights for sequences of ``length`` steps; chrono is opposed biases of i and f, log U(1, T - 1) at f."""
    if spec.initialization == "torch":
        return linear_start
    bias = chrono_bias(length) if spec.initialization == "chrono" else initializers.zeros
    return Start(initializers.glorot_uniform, initializers.zeros, bias)


def chrono_bias(length: int) -> Initializer:
    """b_f = log U(1, T - 1), b_i = -b_f, so that f' = σ(b_f); the candidate's is 0."""

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        long = initializers.chrono(length)((shape[0] // 3,), rng)
        return torch.cat([long, -long, torch.zeros_like(long)])

    return draw
