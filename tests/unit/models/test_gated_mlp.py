"""The gated perceptron against its formulas, torch's GLU, and the LSTM whose one step it is."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from memspan.engine.seeds import stream
from memspan.interfaces.network import Weights
from memspan.layers.dense import Framework
from memspan.models import build
from memspan.models.gated_mlp import GatedMLP
from memspan.models.lstm import LSTM
from tests.unit.models.networks import members, regression, sequences

WIDTHS = (50, 100, 150, 100, 50)
ONE_STEP = regression(1, channels=10)


def live(weights: Weights) -> dict[str, Tensor]:
    """What can learn in an LSTM stack at T = 1: blocks i, g, o of kernels and biases, and the read-out."""
    found = {name: weight for name, weight in weights.items() if not name.endswith("recurrent")}
    return {name: _without_forget(weight) if "layer" in name else weight for name, weight in found.items()}


def _without_forget(weight: Tensor) -> Tensor:
    i, _, g, o = weight.chunk(4, -1)
    return torch.cat([i, g, o], -1)


def test_the_lstm_gate_is_the_lstm_s_one_step() -> None:
    lstm, gated = (
        build(spec, ONE_STEP) for spec in (LSTM(hidden_size=WIDTHS), GatedMLP(hidden_size=WIDTHS, gate="lstm"))
    )
    weights, inputs = members(lstm, 2, 0.1), sequences(ONE_STEP, 20, 2)
    kept = live(weights)
    assert kept.keys() == gated.weights.keys()
    single = {name: weight.float() for name, weight in weights.items()}
    assert torch.allclose(gated.forward(kept, inputs), lstm.forward(weights, inputs), rtol=1e-12, atol=1e-12)
    found, wanted = gated.forward(live(single), inputs.float()), lstm.forward(single, inputs.float())
    assert torch.allclose(found, wanted, rtol=1e-6, atol=1e-6)


def test_it_starts_as_the_live_part_of_its_lstm() -> None:
    """Uniform draws: the largest of 15 000 lies within 1 % of its bound but once in 1e65 draws."""
    bounds: tuple[tuple[Framework, float], ...] = (("keras", math.sqrt(6 / (50 + 4 * 100))), ("torch", 0.1))
    for framework, bound in bounds:
        gated = build(GatedMLP(hidden_size=WIDTHS, gate="lstm", initialization=framework), ONE_STEP)
        lstm = build(LSTM(hidden_size=WIDTHS, initialization=framework), ONE_STEP)
        for drawn in (gated.initialize(stream(1)), lstm.initialize(stream(1))):
            assert 0.99 * bound < float(drawn["layer1.kernel"].abs().max()) <= bound


def test_torch_s_two_biases_are_one_sum_here() -> None:
    """150 sums of two U(±b): variance 2 b² / 3, known to 10 %, asserted to 60 %; some beyond b, none beyond 2 b."""
    gated = build(GatedMLP(hidden_size=50, gate="lstm", initialization="torch"), ONE_STEP)
    bias = gated.initialize(stream(1))["layer0.bias"]
    bound = 50**-0.5
    assert bound < float(bias.abs().max()) <= 2 * bound
    assert float(bias.var()) == pytest.approx(2 * bound**2 / 3, rel=0.6)


def test_glu_is_torch_s_and_gtu_is_its_formula() -> None:
    inputs = sequences(ONE_STEP, 5)
    for gate in ("glu", "gtu"):
        network = build(GatedMLP(hidden_size=7, gate=gate), ONE_STEP)
        weights = members(network)
        z = inputs[0, :, 0] @ weights["layer0.kernel"][0] + weights["layer0.bias"][0]
        g, o = z[:, :7], z[:, 7:]
        hidden = torch.nn.functional.glu(z) if gate == "glu" else torch.sigmoid(o) * torch.tanh(g)
        wanted = hidden @ weights["readout.kernel"][0] + weights["readout.bias"][0]
        assert torch.allclose(network.forward(weights, inputs)[0], wanted, rtol=1e-12, atol=1e-12)


def test_gated_layers_start_block_by_block_as_dense_ones() -> None:
    bounds: tuple[tuple[Framework, float], ...] = (("keras", math.sqrt(6 / (50 + 100))), ("torch", 50**-0.5))
    for framework, bound in bounds:
        network = build(GatedMLP(hidden_size=WIDTHS, initialization=framework), ONE_STEP)
        assert 0.99 * bound < float(network.initialize(stream(1))["layer1.kernel"].abs().max()) <= bound
