"""Power-law LSTM: forgetting slows down with the age of what is remembered."""

from __future__ import annotations

from functools import partial
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from torch import Generator, Tensor

from memspan.interfaces.cell import Cell, Parameters, Preactivations, State
from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import Real
from memspan.layers import initializers
from memspan.layers.recurrent import Start, recurrent
from memspan.layers.stacked import Stacked
from memspan.models import model

EPSILON = 0.001
"""steps; what keeps a unit that is reset this very step from having the age 0"""


class PowerLawLSTM(Stacked):
    """An LSTM whose forget gate follows from the time since its last reset, f = ((age + ε) / (age + 1))^p.

    Left alone, a unit keeps the share (n + 1)^-p of its memory over n steps: a power law, where a constant gate
    forgets exponentially. A reset gate sets the age back to ε = 0.001, and what is not kept is written, i = 1 - f.
    All weights start U(±1/sqrt(H)).
    """

    title: ClassVar[str] = "Power-law LSTM"
    reference: ClassVar[str] = "Chien, Turek, Beckage, Vo, Honey & Willke (2021), arXiv 2105.05944"
    kind: Literal["power_law_lstm"] = "power_law_lstm"
    learn_p: Annotated[bool, Field(strict=True, description="learn p for each unit; it starts U(0, 1)")] = False
    p: Annotated[Real, Field(gt=0, lt=1, description="exponent of forgetting, where it is not learnt")] = 0.2

    @field_validator("p")
    @classmethod
    def _only_where_it_is_fixed(cls, value: float, info: ValidationInfo) -> float:
        if value != 0.2 and info.data.get("learn_p"):
            raise PydanticCustomError("does_not_apply", "p is drawn and learnt with learn_p: give one of the two.")
        return value


@model(PowerLawLSTM)
def build(spec: PowerLawLSTM, signature: Signature) -> Network:
    """A stack of power-law LSTM layers; gate order r, o, g as in the authors' code, one bias."""
    return recurrent(cell(spec), spec.sizes, signature, START, spec.bidirectional, spec.dropout)


def cell(spec: PowerLawLSTM) -> Cell:
    """The step that a spec asks for.

    The authors carry the reference time k and the clock t. Only their difference is ever used, so its state is the
    age a = t - k: nothing depends on a clock that would have to start somewhere, and ε isn't lost beside a large t.
    """
    p = None if spec.learn_p else spec.p
    parameters = ("p_raw",) if spec.learn_p else ()
    return Cell(
        ("r", "o", "g"),
        ("h", "c", "age"),
        partial(step, p=p),
        parameters=parameters,
        keep=partial(forget, p=p),
        memory="c",
    )


def step(z: Preactivations, state: State, parameters: Parameters, p: float | None) -> State:
    """c = f ⊙ c + (1 - f) ⊙ g and h = o ⊙ tanh(c). Each (M, B, H).

    k = r ⊙ (t - ε) + (1 - r) ⊙ k is, for a = t - k and the clock one step on, a = r ε + (1 - r) ⊙ (a + 1); the first
    step has t = 0 and k = -1, so a = 0 before it.
    """
    _, c, age = state
    _, o, g = z
    age = _aged(z, age)
    new = torch.tanh(g)
    c = new + _kept(age, parameters, p) * (c - new)
    return torch.sigmoid(o) * torch.tanh(c), c, age


def forget(z: Preactivations, state: State, parameters: Parameters, p: float | None) -> Tensor:
    """The forget gate, (M, B, H)."""
    return _kept(_aged(z, state[2]), parameters, p)


def _aged(z: Preactivations, age: Tensor) -> Tensor:
    """Steps since the last reset, in ε .. t + 1."""
    older = age + 1
    return older + torch.sigmoid(z[0]) * (EPSILON - older)


def _kept(age: Tensor, parameters: Parameters, p: float | None) -> Tensor:
    """f = ((a + ε) / (a + 1))^p."""
    exponent = torch.sigmoid(parameters[0]) if p is None else p
    return torch.exp(exponent * (torch.log(age + EPSILON) - torch.log(age + 1)))


def uniform_exponent(shape: tuple[int, ...], rng: Generator) -> Tensor:
    """p_raw = log(p / (1 - p)) for p ~ U(0, 1), away from its ends."""
    return torch.logit(torch.rand(shape, generator=rng, dtype=torch.float64), eps=1e-6).float()


START = Start(
    initializers.torch_uniform(3),
    initializers.torch_uniform(3),
    initializers.torch_uniform(3),
    readout="torch",
    parameters={"p_raw": uniform_exponent},
)
"""As the authors' code starts."""
