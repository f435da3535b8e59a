"""Cells against Keras' equations, written down one unit and one step at a time in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from memspan.engine.seeds import stream
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import stack
from memspan.interfaces.signature import Problem, Signature
from memspan.models import build
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN

Vector = NDArray[np.float64]
Layer = Callable[[Mapping[str, Vector], Vector], Vector]
SIGNATURE = Signature(9, channels=2, outputs=1, problem=Problem.REGRESSION)


def sigmoid(x: Vector) -> Vector:
    result: Vector = 1 / (1 + np.exp(-x))
    return result


def softplus(x: Vector) -> Vector:
    result: Vector = np.array([math.log1p(math.exp(-abs(value))) + max(value, 0) for value in x])
    return result


def simple_rnn(w: Mapping[str, Vector], x: Vector) -> Vector:
    """SimpleRNNCell: output = tanh(x kernel + bias + previous recurrent)."""
    h, outputs = np.zeros(w["recurrent"].shape[0]), []
    for step in x:
        h = np.tanh(step @ w["kernel"] + w["bias"] + h @ w["recurrent"])
        outputs.append(h)
    return np.stack(outputs)


def hard_sigmoid(x: Vector) -> Vector:
    return np.clip(0.2 * x + 0.5, 0, 1)


def relu_rnn(w: Mapping[str, Vector], x: Vector) -> Vector:
    """SimpleRNNCell with relu, as Keras' mnist_irnn example has it."""
    h, outputs = np.zeros(w["recurrent"].shape[0]), []
    for step in x:
        h = np.maximum(step @ w["kernel"] + w["bias"] + h @ w["recurrent"], 0)
        outputs.append(h)
    return np.stack(outputs)


def lstm(activation: Any, gate: Any = sigmoid, gates: str = "ifgo") -> Layer:
    """LSTMCell: i, f, c, o in this order; the activation acts on the candidate and on the output.

    With peepholes i and f see the old cell state and o the new one; a gate that is left out is open.
    """

    def layer(w: Mapping[str, Vector], x: Vector) -> Vector:
        size = w["recurrent"].shape[0]
        peep = {name: w.get(f"peephole_{name}", np.zeros(size)) for name in gates}
        h, c, outputs = np.zeros(size), np.zeros(size), []
        for step in x:
            z = dict(zip(gates, np.split(step @ w["kernel"] + h @ w["recurrent"] + w["bias"], len(gates)), strict=True))
            i = gate(z["i"] + peep["i"] * c) if "i" in z else 1
            c = gate(z["f"] + peep["f"] * c) * c + i * activation(z["g"])
            h = (gate(z["o"] + peep["o"] * c) if "o" in z else 1) * activation(c)
            outputs.append(h)
        return np.stack(outputs)

    return layer


def gru(gate: Any = sigmoid) -> Layer:
    """GRUCell with reset_after: the reset gate acts on the recurrent product and its bias. Ours: r, z, h."""

    def layer(w: Mapping[str, Vector], x: Vector) -> Vector:
        h, outputs = np.zeros(w["recurrent"].shape[0]), []
        for step in x:
            a, b = step @ w["kernel"] + w["bias"], h @ w["recurrent"] + w["recurrent_bias"]
            (x_r, x_z, x_h), (h_r, h_z, h_h) = np.split(a, 3), np.split(b, 3)
            z, r = gate(x_z + h_z), gate(x_r + h_r)
            h = z * h + (1 - z) * np.tanh(x_h + r * h_h)
            outputs.append(h)
        return np.stack(outputs)

    return layer


def gru_reset_before(w: Mapping[str, Vector], x: Vector) -> Vector:
    """GRUCell with reset_after=False: the candidate's recurrent product takes r ⊙ h, and there is one bias."""
    u_r, u_z, u_h = np.split(w["recurrent"], 3, axis=1)
    h, outputs = np.zeros(u_r.shape[0]), []
    for step in x:
        x_r, x_z, x_h = np.split(step @ w["kernel"] + w["bias"], 3)
        z, r = sigmoid(x_z + h @ u_z), sigmoid(x_r + h @ u_r)
        h = z * h + (1 - z) * np.tanh(x_h + (r * h) @ u_h)
        outputs.append(h)
    return np.stack(outputs)


CASES: dict[str, tuple[ModelSpec, Layer]] = {
    "rnn": (RNN(hidden_size=(4, 3)), simple_rnn),
    "irnn": (RNN.model_validate({"hidden_size": (4, 3), "initialization": "irnn"}), relu_rnn),
    "lstm": (LSTM(hidden_size=(4, 3)), lstm(np.tanh)),
    "lstm-softplus": (LSTM(hidden_size=(8, 6), activation="softplus"), lstm(softplus)),
    "lstm-hard": (LSTM(hidden_size=(4, 3), recurrent_activation="hard_sigmoid"), lstm(np.tanh, hard_sigmoid)),
    "lstm-peephole": (LSTM(hidden_size=(4, 3), peephole=True), lstm(np.tanh)),
    "lstm-open-i": (LSTM(hidden_size=(4, 3), open_gates=("i",)), lstm(np.tanh, gates="fgo")),
    "lstm-open-o": (LSTM(hidden_size=(4, 3), open_gates=("o",)), lstm(np.tanh, gates="ifg")),
    "lstm-open-both": (LSTM(hidden_size=(4, 3), open_gates=("i", "o"), peephole=True), lstm(np.tanh, gates="fg")),
    "gru": (GRU(hidden_size=(4, 3)), gru()),
    "gru-hard": (GRU(hidden_size=(4, 3), recurrent_activation="hard_sigmoid"), gru(hard_sigmoid)),
    "gru-before": (GRU(hidden_size=(4, 3), reset="before"), gru_reset_before),
}


@pytest.mark.parametrize(("spec", "layer"), CASES.values(), ids=list(CASES))
def test_a_stack_equals_the_equations_of_keras(spec: ModelSpec, layer: Layer) -> None:
    network = build(spec, SIGNATURE)
    weights = network.initialize(stream("keras"))
    weights = {
        name: weight + 0.2 * torch.randn(weight.shape, generator=stream(name)) for name, weight in weights.items()
    }
    inputs = torch.randn(1, 3, SIGNATURE.length, SIGNATURE.channels, generator=stream("inputs"))
    found = network.forward(stack([weights]), inputs)[0].double().numpy()
    plain = {name: weight.double().numpy() for name, weight in weights.items()}
    for row, sequence in enumerate(inputs[0].double().numpy()):
        for depth in range(2):
            own = {n.split(".")[1]: weight for n, weight in plain.items() if n.startswith(f"layer{depth}.")}
            sequence = layer(own, sequence)
        wanted = sequence[-1] @ plain["readout.kernel"] + plain["readout.bias"]
        np.testing.assert_allclose(found[row], wanted, rtol=1e-6, atol=1e-6)
