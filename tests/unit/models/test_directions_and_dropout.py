"""Layers that run both ways, and dropout while a network trains."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from memspan.engine.seeds import stream
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Weights
from memspan.interfaces.noise import Noise
from memspan.models import build
from memspan.models.gru import GRU
from memspan.models.lru import LRU
from memspan.models.lstm import LSTM
from memspan.models.min_gru import MinGRU
from memspan.models.min_lstm import MinLSTM
from memspan.models.power_law_lstm import PowerLawLSTM
from memspan.models.rnn import RNN
from tests.unit.models.networks import members, regression, sequences

NAMES = {"weight_ih": "kernel", "weight_hh": "recurrent", "bias_ih": "bias", "bias_hh": "recurrent_bias"}
"""torch's names of a layer's weights, and ours"""
STACKED = [RNN, LSTM, GRU, PowerLawLSTM, MinGRU, MinLSTM]


@pytest.mark.parametrize(("spec", "theirs"), [(RNN, nn.RNN), (LSTM, nn.LSTM), (GRU, nn.GRU)])
def test_both_directions_equal_those_of_torch(spec: type[ModelSpec], theirs: type[nn.RNNBase]) -> None:
    """The read-out gets what each direction ends with: the backward one at the first step."""
    signature = regression(7, channels=2)
    network = build(
        spec.model_validate({"hidden_size": (4, 4), "bidirectional": True, "initialization": "torch"}), signature
    )
    weights, inputs = members(network), sequences(signature)
    layers = theirs(2, 4, 2, batch_first=True, bidirectional=True, dtype=torch.float64)
    for level, (ours, suffix) in itertools.product(range(2), (("", ""), (".backward", "_reverse"))):
        for name, here in NAMES.items():
            weight = weights[f"layer{level}{ours}.{here}"][0]
            getattr(layers, f"{name}_l{level}{suffix}").data = weight.t().contiguous()
    steps = layers(inputs[0])[0]
    ends = torch.cat([steps[:, -1, :4], steps[:, 0, 4:]], dim=-1)
    wanted = ends @ weights["readout.kernel"][0] + weights["readout.bias"][0]
    assert torch.allclose(network.forward(weights, inputs)[0], wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("spec", STACKED)
def test_a_task_that_is_answered_at_every_step_refuses_both_directions(spec: type[ModelSpec]) -> None:
    both = spec.model_validate({"bidirectional": True})
    assert both.objection(regression(5)) is None
    assert spec().objection(regression(5, every_step=True)) is None
    assert "sees later steps" in (both.objection(regression(5, every_step=True)) or "")


@pytest.mark.parametrize("spec", STACKED)
def test_both_directions_differentiate_to_finite_differences(spec: type[ModelSpec]) -> None:
    differentiated(spec.model_validate({"hidden_size": (2, 1), "bidirectional": True}))


def differentiated(spec: ModelSpec) -> None:
    """torch's own gradcheck in float64, over all weights."""
    signature = regression(4)
    network = build(spec, signature)
    weights, inputs = members(network), sequences(signature, 2)
    names = list(weights)

    def answers(*values: Tensor) -> Tensor:
        return network.forward(dict(zip(names, values, strict=True)), inputs)

    assert torch.autograd.gradcheck(answers, [weight.requires_grad_() for weight in weights.values()])


@pytest.mark.parametrize(
    "spec",
    [LSTM(hidden_size=2, peephole=True), LSTM(hidden_size=2, peephole=True, open_gates=("o",)),
     LSTM(hidden_size=2, open_gates=("i", "o")), PowerLawLSTM(hidden_size=2, learn_p=True),
     GRU(hidden_size=2, reset="before"), LRU(hidden_size=2, model_size=3)],
    ids=str,
)  # fmt: skip
def test_options_that_are_switched_differentiate_to_finite_differences(spec: ModelSpec) -> None:
    differentiated(spec)


def noise(*names: object) -> Noise:
    return Noise([stream(name) for name in names], torch.device("cpu"))


def trained(spec: ModelSpec, weights: Weights, inputs: Tensor, *names: object) -> Tensor:
    """What training computes."""
    network = build(spec, regression(6, channels=2))
    assert network.noisy is not None
    return network.noisy(weights, inputs, noise(*names))


@pytest.mark.parametrize("spec", [*STACKED, LRU])
def test_dropout_is_a_member_s_own_and_scoring_has_none(spec: type[ModelSpec]) -> None:
    dropping = spec.model_validate({"hidden_size": (4, 4), "dropout": 0.5})
    network, inputs = build(dropping, regression(6, channels=2)), sequences(regression(6, channels=2), count=2)
    weights = members(network, 2)
    assert build(spec(), regression(6)).noisy is None
    plain = build(spec.model_validate({"hidden_size": (4, 4)}), regression(6, channels=2))
    assert torch.equal(network.forward(weights, inputs), plain.forward(weights, inputs))
    both, other = trained(dropping, weights, inputs, "a", "b"), trained(dropping, weights, inputs, "a", "c")
    assert torch.equal(both[0], other[0])
    assert not torch.equal(both[1], other[1])
    assert not torch.equal(both, network.forward(weights, inputs))


def test_dropout_keeps_what_is_expected_of_the_read_out() -> None:
    """One layer: the mean of n = 4 000 draws is the plain answer within 5 standard errors."""
    spec = RNN(hidden_size=8, dropout=0.3)
    signature = regression(6, channels=2)
    network, inputs = build(spec, signature), sequences(signature, 1)
    weights = members(network)
    drawn = torch.cat([trained(spec, weights, inputs, n) for n in range(4_000)])[:, 0, 0]
    error = drawn.std() / 4_000**0.5
    assert abs(float(drawn.mean() - network.forward(weights, inputs))) < 5 * float(error)
