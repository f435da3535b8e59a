"""The power-law LSTM against its authors' equations, which carry a reference time k and a clock t."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from memspan.engine.seeds import stream
from memspan.layers.bound import bind
from memspan.models import build
from memspan.models.power_law_lstm import EPSILON, PowerLawLSTM, cell
from tests.unit.models.networks import members, regression, sequences

SPECS = [PowerLawLSTM(hidden_size=4), PowerLawLSTM(hidden_size=4, p=0.9), PowerLawLSTM(hidden_size=4, learn_p=True)]


def published(weights: dict[str, Tensor], x: Tensor, p: Tensor) -> Tensor:
    """The last h of PowerLawCell in the authors' repository, float64, for one member: (B, T, C) -> (B, H)."""
    batch, size = x.shape[0], weights["layer0.recurrent"].shape[1]
    h, c, k = x.new_zeros(batch, size), x.new_zeros(batch, size), x.new_full((batch, size), -1.0)
    for t in range(x.shape[1]):
        gates = x[:, t] @ weights["layer0.kernel"][0] + h @ weights["layer0.recurrent"][0] + weights["layer0.bias"][0]
        r, o, g = gates.chunk(3, 1)
        r, o, g = torch.sigmoid(r), torch.sigmoid(o), torch.tanh(g)
        k = r * (t - EPSILON) + (1 - r) * k
        f = torch.pow((t - k + EPSILON) / (t - k + 1.0), p)
        c = f * c + (1 - f) * g
        h = o * torch.tanh(c)
    return h


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("length", [1, 2, 200])
def test_it_equals_its_authors_equations(spec: PowerLawLSTM, length: int) -> None:
    """To 1e-12 in float64, and to 1e-6 in float32 even after 200 steps."""
    signature = regression(length, channels=2)
    network, inputs = build(spec, signature), sequences(signature)
    weights = members(network)
    p = torch.sigmoid(weights["layer0.p_raw"][0]) if spec.learn_p else torch.tensor(spec.p, dtype=torch.float64)
    wanted = published(weights, inputs[0], p) @ weights["readout.kernel"][0] + weights["readout.bias"][0]
    assert torch.allclose(network.forward(weights, inputs)[0], wanted, rtol=1e-12, atol=1e-12)
    single = network.forward({name: weight.float() for name, weight in weights.items()}, inputs.float())
    assert torch.allclose(single[0].double(), wanted, rtol=1e-5, atol=1e-6)


def survival(reset: float, steps: int, p: float, since: float) -> list[float]:
    """The product of forget gates over ``steps`` steps from an age, with the reset gate's pre-activation held."""
    keep = cell(PowerLawLSTM(p=p)).keep
    assert keep is not None
    product, shares, age = 1.0, [], torch.full((1, 1, 1), since, dtype=torch.float64)
    one = torch.ones_like(age)
    for _ in range(steps):
        z = (reset * one, 0 * one, 0 * one)
        product *= float(keep(z, (0 * one, one, age), ()))
        _, _, age = cell(PowerLawLSTM(p=p)).pointwise(z, (0 * one, one, age), ())
        shares.append(product)
    return shares


@pytest.mark.parametrize("p", [0.1, 0.2, 0.9])
def test_a_memory_left_alone_decays_as_a_power_of_its_age(p: float) -> None:
    """From an age of 0 the n-th gate is (n / (n + 1))^p, so n steps keep (n + 1)^-p; ε moves it by less than 1 %."""
    for n, share in enumerate(survival(-60.0, 100, p, since=0.0), start=1):
        assert share == pytest.approx((n + 1) ** -p, rel=0.01)


def test_an_open_reset_gate_forgets_at_once() -> None:
    """r = 1 leaves t - k = ε, f = (2 ε / (1 + ε))^p: .288 for p = .2."""
    assert survival(60.0, 1, 0.2, since=50.0)[0] == pytest.approx((2 * EPSILON / (1 + EPSILON)) ** 0.2, rel=1e-12)
    assert survival(60.0, 1, 0.2, since=50.0)[0] == pytest.approx(0.288, abs=5e-4)


def test_a_small_exponent_keeps_everything_and_writes_nothing() -> None:
    assert survival(-60.0, 100, 1e-6, since=0.0)[-1] == pytest.approx(1.0, abs=1e-5)


def test_the_time_constant_grows_with_the_age() -> None:
    """f at age n is 1 - p / n + ..., so -1 / log f is close to n / p."""
    shares = survival(-60.0, 400, 0.2, since=0.0)
    assert -1 / math.log(shares[-1] / shares[-2]) == pytest.approx(400 / 0.2, rel=0.01)


def test_it_has_three_gates_one_bias_and_an_exponent_where_it_is_learnt() -> None:
    inputs, size = 3, 8
    fixed = 3 * (size * (inputs + size) + size) + size + 1
    assert build(PowerLawLSTM(hidden_size=size), regression(5, inputs)).parameters == fixed
    assert build(PowerLawLSTM(hidden_size=size, learn_p=True), regression(5, inputs)).parameters == fixed + size


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_sequence_cut_in_two_goes_on_where_it_stopped(spec: PowerLawLSTM) -> None:
    """The age is carried with the rest: no clock starts again."""
    signature = regression(40)
    network = build(spec, signature)
    assert network.recurrence is not None
    layer = bind(network.recurrence.layers[0], members(network))
    sequence = sequences(signature).transpose(1, 2)
    whole = layer.run(sequence)
    first = layer.run(sequence[:, :25])
    assert all(torch.equal(a, b) for a, b in zip(layer.run(sequence[:, 25:], first[-1])[-1], whole[-1], strict=True))


def test_the_age_stays_between_epsilon_and_the_time_since_the_start() -> None:
    signature = regression(50)
    network = build(PowerLawLSTM(hidden_size=6), signature)
    assert network.recurrence is not None
    states = bind(network.recurrence.layers[0], members(network)).run(10 * sequences(signature).transpose(1, 2))
    for t, (_, _, age) in enumerate(states):
        assert float(age.min()) >= EPSILON * (1 - 1e-9)
        assert float(age.max()) <= t + 1


def test_a_learnt_exponent_never_starts_at_infinity() -> None:
    """200 000 draws, two of which lie within 1e-5 of the ends on average."""
    start = build(PowerLawLSTM(hidden_size=4, learn_p=True), regression(3)).weights["layer0.p_raw"].start
    assert start((200_000,), stream("ends")).isfinite().all()
