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
from memspan.models import build
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.parts.model import ModelSpec
from memspan.parts.network import stack
from memspan.parts.signature import Problem, Signature

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


def lstm(activation: Any) -> Layer:
    """LSTMCell: i, f, c, o in this order; the activation acts on the candidate and on the output."""

    def layer(w: Mapping[str, Vector], x: Vector) -> Vector:
        size = w["recurrent"].shape[0]
        h, c, outputs = np.zeros(size), np.zeros(size), []
        for step in x:
            z = step @ w["kernel"] + h @ w["recurrent"] + w["bias"]
            i, f, candidate, o = (z[n * size : (n + 1) * size] for n in range(4))
            c = sigmoid(f) * c + sigmoid(i) * activation(candidate)
            h = sigmoid(o) * activation(c)
            outputs.append(h)
        return np.stack(outputs)

    return layer


def gru(w: Mapping[str, Vector], x: Vector) -> Vector:
    """GRUCell with reset_after: the reset gate acts on the recurrent product and its bias. Ours: r, z, h."""
    size = w["recurrent"].shape[0]
    h, outputs = np.zeros(size), []
    for step in x:
        a, b = step @ w["kernel"] + w["bias"], h @ w["recurrent"] + w["recurrent_bias"]
        (x_r, x_z, x_h), (h_r, h_z, h_h) = np.split(a, 3), np.split(b, 3)
        z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
        h = z * h + (1 - z) * np.tanh(x_h + r * h_h)
        outputs.append(h)
    return np.stack(outputs)


CASES: list[tuple[ModelSpec, Layer]] = [
    (RNN(hidden_size=(4, 3)), simple_rnn),
    (LSTM(hidden_size=(4, 3)), lstm(np.tanh)),
    (LSTM(hidden_size=(8, 6), activation="softplus"), lstm(softplus)),
    (GRU(hidden_size=(4, 3)), gru),
]


@pytest.mark.parametrize(("spec", "layer"), CASES, ids=["rnn", "lstm", "lstm-softplus", "gru"])
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
