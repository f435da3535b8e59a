"""LSTM: long short-term memory with a forget gate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from torch import Generator, Tensor

from memspan.interfaces.cell import Cell, Parameters, Preactivations, State
from memspan.interfaces.network import Initializer, Network
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import Real
from memspan.layers import initializers
from memspan.layers.dense import ACTIVATIONS
from memspan.layers.gate_activation import GATE_ACTIVATIONS, GateActivation
from memspan.layers.recurrent import Start, recurrent, torch_start
from memspan.layers.stacked import Stacked
from memspan.models import model


def _once(gates: tuple[str, ...]) -> tuple[str, ...]:
    """In one order, so that equal specs are equal."""
    if len(set(gates)) < len(gates):
        raise PydanticCustomError("duplicate", "Each gate can be held open once.")
    return tuple(sorted(gates))


class LSTM(Stacked):
    """Long short-term memory: a gated cell state beside the output.

    ``keras`` starts with a Glorot kernel, an orthogonal recurrent matrix and forget biases of 1; ``torch`` with all
    weights U(±1/sqrt(H)) and two biases; ``chrono`` as keras, but with forget biases log U(1, T - 1) and input biases
    of the opposite sign, so that the cell starts with time constants as long as the sequence; ``forget_bias`` as
    keras, but with forget biases of your own.

    With ``peephole`` the gates also see the cell state: i and f the old one, o the new one. Gates in ``open_gates``
    are held at 1 and have no weights: controls that show what a gate is good for.
    """

    title: ClassVar[str] = "Long short-term memory"
    reference: ClassVar[str] = (
        "Hochreiter & Schmidhuber (1997), Neural Computation 9(8); forget gate: Gers, Schmidhuber & Cummins (2000); "
        "peephole: Gers, Schraudolph & Schmidhuber (2002), JMLR 3; forget_bias: Jozefowicz, Zaremba & Sutskever "
        "(2015); chrono: Tallec & Ollivier (2018), arXiv 1804.11188"
    )
    kind: Literal["lstm"] = "lstm"
    activation: Annotated[Literal["tanh", "softplus"], Field(description="of the candidate and of the output")] = "tanh"
    recurrent_activation: GateActivation = "sigmoid"
    initialization: Annotated[
        Literal["keras", "torch", "chrono", "forget_bias"], Field(description="how the weights start")
    ] = "keras"
    forget_bias: Annotated[
        Real, Field(ge=-100, le=100, description="what forget biases start at, with the initialization forget_bias")
    ] = 1.0
    peephole: Annotated[bool, Field(strict=True, description="gates see the cell state")] = False
    open_gates: Annotated[
        tuple[Literal["i", "o"], ...], Field(max_length=2, description="gates held at 1"), AfterValidator(_once)
    ] = ()

    @field_validator("forget_bias")
    @classmethod
    def _only_where_it_is_used(cls, value: float, info: ValidationInfo) -> float:
        if value != 1.0 and info.data.get("initialization", "forget_bias") != "forget_bias":
            raise PydanticCustomError("does_not_apply", "forget_bias needs the initialization forget_bias.")
        return value


@model(LSTM)
def build(spec: LSTM, signature: Signature) -> Network:
    """A stack of LSTM layers.

    Source:
        Gers, Schmidhuber & Cummins (2000); gate order i, f, g, o as in Keras and torch.
    """
    wiring = wired(spec)
    start = starts(wiring, spec, signature.length)
    return recurrent(cell(wiring), spec.sizes, signature, start, spec.bidirectional, spec.dropout)


@dataclass(frozen=True)
class Wiring:
    """What a step is made of.

    Attributes:
        gates: those with pre-activations, in the order of the weights.
        peepholes: those that see the cell state.
        logistic: of the gates, by name.
        activation: of the candidate and of the output, by name.
    """

    gates: tuple[str, ...]
    peepholes: tuple[str, ...]
    logistic: str
    activation: str

    def gated(self, gate: str, x: Tensor, z: Preactivations, c: Tensor, parameters: Parameters) -> Tensor:
        """x times a gate that looks at ``c`` through its peephole; x itself where the gate is held open."""
        return x * self.gate(gate, z, c, parameters) if gate in self.gates else x

    def gate(self, gate: str, z: Preactivations, c: Tensor, parameters: Parameters) -> Tensor:
        """A gate, (M, B, H) in 0 .. 1."""
        seen = z[self.gates.index(gate)]
        if gate in self.peepholes:
            seen = seen + parameters[self.peepholes.index(gate)] * c
        return GATE_ACTIVATIONS[self.logistic](seen)


def wired(spec: LSTM) -> Wiring:
    """A gate that is held open has neither a pre-activation nor a peephole."""
    gates = tuple(gate for gate in "ifgo" if gate not in spec.open_gates)
    peepholes = tuple(gate for gate in gates if gate != "g") if spec.peephole else ()
    return Wiring(gates, peepholes, spec.recurrent_activation, spec.activation)


def cell(wiring: Wiring) -> Cell:
    """The step that a spec asks for."""
    parameters = tuple(f"peephole_{gate}" for gate in wiring.peepholes)
    keep = partial(forget, wiring=wiring)
    return Cell(wiring.gates, ("h", "c"), partial(step, wiring=wiring), parameters=parameters, keep=keep, memory="c")


def step(z: Preactivations, state: State, parameters: Parameters, wiring: Wiring) -> State:
    """c = f ⊙ c + i ⊙ g and h = o ⊙ act(c); i and f see the old c, o the new one. Each (M, B, H)."""
    act, (_, old) = ACTIVATIONS[wiring.activation], state
    g = act(z[wiring.gates.index("g")])
    c = wiring.gated("f", old, z, old, parameters) + wiring.gated("i", g, z, old, parameters)
    return wiring.gated("o", act(c), z, c, parameters), c


def forget(z: Preactivations, state: State, parameters: Parameters, wiring: Wiring) -> Tensor:
    """The forget gate, (M, B, H)."""
    return wiring.gate("f", z, state[1], parameters)


def starts(wiring: Wiring, spec: LSTM, length: int) -> Start:
    """Initial weights for sequences of ``length`` steps; peepholes N(0, 0.1^2)."""
    peepholes = {f"peephole_{gate}": initializers.normal(0.1) for gate in wiring.peepholes}
    if spec.initialization == "torch":
        return torch_start(len(wiring.gates), peepholes)
    chrono = spec.initialization == "chrono"
    bias = chrono_bias(wiring.gates, length) if chrono else forget_bias(wiring.gates, spec.forget_bias)
    return Start(initializers.glorot_uniform, initializers.orthogonal, bias, parameters=peepholes)


def forget_bias(gates: tuple[str, ...], value: float) -> Initializer:
    """b_f = ``value``, the others 0; with 1 it is Keras' unit_forget_bias."""
    return initializers.by_block(
        *(initializers.constant(value) if gate == "f" else initializers.zeros for gate in gates)
    )


def chrono_bias(gates: tuple[str, ...], length: int) -> Initializer:
    """b_f = log U(1, T - 1), b_i = -b_f, the others 0.

    Source:
        Tallec & Ollivier (2018), arXiv 1804.11188, section 3.
    """

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        long = initializers.chrono(length)((shape[0] // len(gates),), rng)
        drawn = {"f": long, "i": -long}
        return torch.cat([drawn.get(gate, torch.zeros_like(long)) for gate in gates])

    return draw
