"""What a stack of LSTM layers is at T = 1: a gated feed-forward network, and nothing of it a memory."""

from __future__ import annotations

import torch
from torch import Tensor

from memspan.interfaces.network import Weights
from memspan.models import build
from memspan.models.lstm import LSTM
from memspan.models.mlp import MLP
from tests.unit.models.networks import members, regression, sequences

WIDTHS = (50, 100, 150, 100, 50)
SIGNATURE = regression(1, channels=10)


def closed_form(weights: Weights, x: Tensor, gates: str = "ifgo") -> Tensor:
    """h = σ(o) ⊙ tanh(σ(i) ⊙ tanh(g)) from layer to layer: (M, B, C) -> (M, B, 1); gates left out are 1."""
    for level in range(len(WIDTHS)):
        z = x @ weights[f"layer{level}.kernel"] + weights[f"layer{level}.bias"].unsqueeze(1)
        block = dict(zip(gates, z.chunk(len(gates), -1), strict=True))
        i, o = (torch.sigmoid(block[gate]) if gate in block else 1 for gate in "io")
        x = o * torch.tanh(i * torch.tanh(block["g"]))
    return x @ weights["readout.kernel"] + weights["readout.bias"].unsqueeze(1)


def test_the_stack_equals_its_closed_form() -> None:
    network, inputs = build(LSTM(hidden_size=WIDTHS), SIGNATURE), sequences(SIGNATURE, 20, 2)
    weights = {name: weight.float() for name, weight in members(network, 2, 0.1).items()}
    found = network.forward(weights, inputs.float())
    assert torch.allclose(found, closed_form(weights, inputs[:, :, 0].float()), rtol=1e-6, atol=1e-6)


def test_the_controls_equal_theirs() -> None:
    for held, gates in ((("i",), "fgo"), (("o",), "ifg"), (("i", "o"), "fg")):
        network, inputs = build(LSTM(hidden_size=WIDTHS, open_gates=held), SIGNATURE), sequences(SIGNATURE, 20)
        weights = members(network, 1, 0.1)
        wanted = closed_form(weights, inputs[:, :, 0], gates)
        assert torch.allclose(network.forward(weights, inputs), wanted, rtol=1e-12, atol=1e-12)


def test_the_forget_gate_and_the_recurrent_matrices_learn_exactly_nothing() -> None:
    network = build(LSTM(hidden_size=WIDTHS), SIGNATURE)
    weights = {name: weight.float().requires_grad_() for name, weight in members(network, 2, 0.1).items()}
    outputs = network.forward(weights, sequences(SIGNATURE, 20, 2).float())
    gradients = torch.autograd.grad((outputs**2).sum(), list(weights.values()))
    for (name, _), gradient in zip(weights.items(), gradients, strict=True):
        if name.endswith("recurrent"):
            assert not gradient.any(), name
        elif name.startswith("layer"):
            i, f, g, o = gradient.chunk(4, -1)
            assert not f.any(), name
            assert all(bool(block.any()) for block in (i, g, o)), name


def test_its_numbers_are_those_of_the_published_comparison() -> None:
    """10 features: MLP 41 001, LSTM 353 851, of which 122 901 can learn."""
    network = build(LSTM(hidden_size=WIDTHS), SIGNATURE)
    below = (10, *WIDTHS)
    live = sum(3 * size * (inputs + 1) for inputs, size in zip(below, WIDTHS, strict=False)) + 50 + 1
    assert build(MLP(hidden_size=WIDTHS), SIGNATURE).parameters == 41_001
    assert network.parameters == 353_851
    assert live == 122_901


def test_a_gate_that_is_held_open_has_no_weights() -> None:
    signature = regression(5, channels=3)
    for held, gates in ((("i",), 3), (("o",), 3), (("i", "o"), 2)):
        assert build(LSTM(hidden_size=8, open_gates=held), signature).parameters == gates * 8 * (3 + 8 + 1) + 9
