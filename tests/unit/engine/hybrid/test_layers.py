"""Hybrid layers against the cell's own torch function, and what they owe beside: bits, and their limits."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from memspan.engine.hybrid.runner import Answer, hybrid, pays
from memspan.engine.seeds import stream
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network, Weights, stack
from memspan.interfaces.noise import Noise
from memspan.interfaces.signature import Problem, Signature
from memspan.models import build
from memspan.models.gru import GRU
from memspan.models.lru import LRU
from memspan.models.lstm import LSTM
from memspan.models.min_gru import MinGRU
from memspan.models.min_lstm import MinLSTM
from memspan.models.mlp import MLP
from memspan.models.power_law_lstm import PowerLawLSTM
from memspan.models.rnn import RNN
from memspan.tasks.first_last import FirstLast
from tests.compiled import compiling
from tests.unit.engine.populations import condition, stories

CPU = torch.device("cpu")
HYBRID = [
    RNN(hidden_size=32), RNN(hidden_size=25, activation="relu"), LSTM(hidden_size=32), LSTM(hidden_size=(37, 24)),
    LSTM(hidden_size=33, activation="softplus", initialization="torch"),
    LSTM(hidden_size=24, recurrent_activation="hard_sigmoid", peephole=True),
    LSTM(hidden_size=31, open_gates=("i", "o")),
    LSTM(hidden_size=(24, 25), bidirectional=True), GRU(hidden_size=(32, 27)),
    GRU(hidden_size=40, initialization="torch"),
    PowerLawLSTM(hidden_size=24), PowerLawLSTM(hidden_size=26, learn_p=True), MinGRU(hidden_size=(24, 30)),
    MinLSTM(hidden_size=24, candidate="positive"),
]  # fmt: skip
each_model = pytest.mark.parametrize("spec", HYBRID, ids=str)


@pytest.fixture(autouse=True, scope="module")
def compiled() -> Iterator[None]:
    with compiling():
        yield


def signature(length: int, every_step: bool = False) -> Signature:
    return Signature(length, 3, 2, Problem.REGRESSION, every_step)


def members(network: Network, count: int = 2) -> dict[str, Tensor]:
    drawn = [network.initialize(stream("weights", member)) for member in range(count)]
    noisy = [
        {n: w + 0.1 * torch.randn(w.shape, generator=stream(n, m)) for n, w in d.items()} for m, d in enumerate(drawn)
    ]
    return {name: weight.requires_grad_() for name, weight in stack(noisy).items()}


def inputs(asked: Signature, batch: int, count: int = 2) -> Tensor:
    return torch.randn(count, batch, asked.length, asked.channels, generator=stream("inputs"), requires_grad=True)


def answered(network: Network, every_step: bool = False) -> Answer:
    """Hybrid even where it doesn't pay."""
    made = hybrid(network, every_step, CPU, lambda *_: True)
    assert made is not None
    return made


def slopes(outputs: Tensor, weights: Weights, x: Tensor) -> dict[str, Tensor]:
    """Gradients of an arbitrary number, by weights and inputs."""
    target = torch.randn(outputs.shape, generator=stream("target")).to(outputs.dtype)
    found = torch.autograd.grad((outputs * target).sum(), [*weights.values(), x])
    return dict(zip([*weights, "inputs"], found, strict=True))


def error(found: Tensor, wanted: Tensor) -> float:
    """Largest difference, relative to the norm of what is wanted in the mean."""
    found, wanted = found.detach().double(), wanted.detach().double()
    scale = float(wanted.norm()) / math.sqrt(wanted.numel())
    return float((found - wanted).abs().max()) / max(scale, 1e-30)


@each_model
@pytest.mark.parametrize(("length", "batch"), [(1, 5), (2, 1), (9, 16)])
def test_answers_and_gradients_equal_those_of_float64(spec: ModelSpec, length: int, batch: int) -> None:
    """Relative error of each weight's gradient <= 1e-5."""
    every = length == 9 and not getattr(spec, "bidirectional", False)
    network = build(spec, signature(length, every))
    weights, x = members(network), inputs(signature(length), batch)
    outputs = answered(network, every)(weights, x, None)
    exact = {name: weight.detach().double().requires_grad_() for name, weight in weights.items()}
    wide = x.detach().double().requires_grad_()
    wanted = network.forward(exact, wide)
    assert error(outputs, wanted) <= 1e-5
    found, expected = slopes(outputs, weights, x), slopes(wanted, exact, wide)
    for name, gradient in found.items():
        assert float((gradient.double() - expected[name]).norm()) <= 1e-5 * float(expected[name].norm()) + 1e-9, name


@pytest.mark.parametrize("spec", [LSTM(hidden_size=48), GRU(hidden_size=32)], ids=str)
def test_a_long_sequence_equals_float64_too(spec: ModelSpec) -> None:
    asked = signature(200)
    network = build(spec, asked)
    weights, x = members(network, 1), inputs(asked, 4, 1)
    exact = {name: weight.detach().double().requires_grad_() for name, weight in weights.items()}
    wide = x.detach().double().requires_grad_()
    found = slopes(answered(network)(weights, x, None), weights, x)
    expected = slopes(network.forward(exact, wide), exact, wide)
    for name, gradient in found.items():
        assert float((gradient.double() - expected[name]).norm()) <= 1e-5 * float(expected[name].norm()), name


def test_dropout_draws_the_same_masks() -> None:
    spec = GRU(hidden_size=(24, 32), dropout=0.4)
    network = build(spec, signature(6))
    weights, x = members(network), inputs(signature(6), 5)
    assert network.noisy is not None
    plain, other = (Noise([stream("a"), stream("b")], CPU) for _ in range(2))
    outputs = answered(network)(weights, x, plain)
    assert error(outputs, network.noisy(weights, x, other)) <= 1e-5
    assert error(outputs, network.forward(weights, x)) > 1e-2


@each_model
def test_buffers_that_others_used_leave_no_trace(spec: ModelSpec) -> None:
    """The same numbers to the bit the second time, after batches of another size and after NaN."""
    network = build(spec, signature(5))
    answer, weights = answered(network), members(network)
    first = slopes(answer(weights, x := inputs(signature(5), 7), None), weights, x)
    slopes(answer(weights, larger := inputs(signature(5), 9) * math.nan, None), weights, larger)
    with torch.no_grad():
        answer(weights, inputs(signature(5), 20), None)
    again = slopes(answer(weights, x, None), weights, x)
    assert all(torch.equal(first[name], again[name]) for name in first)


@each_model
def test_a_member_s_numbers_are_the_same_to_the_bit_whatever_its_mates_do(spec: ModelSpec) -> None:
    network = build(spec, signature(5))

    def gradients(spoilt: bool) -> dict[str, Tensor]:
        weights, x = members(network, 3), inputs(signature(5), 7, 3)
        with torch.no_grad():
            for weight in weights.values():
                weight[::2] = math.nan if spoilt else weight[::2]
        return slopes(answered(network)(weights, x, None), weights, x)

    sound, beside = gradients(False), gradients(True)
    assert all(torch.equal(sound[name][1], beside[name][1]) for name in sound)


def test_at_one_step_the_forget_gate_and_the_recurrent_matrix_learn_exactly_nothing() -> None:
    network = build(LSTM(hidden_size=(50, 100)), signature(1))
    weights, x = members(network), inputs(signature(1), 8)
    found = slopes(answered(network)(weights, x, None), weights, x)
    for level in range(2):
        assert not found[f"layer{level}.recurrent"].any()
        i, f, g, o = found[f"layer{level}.kernel"].chunk(4, -1)
        assert not f.any()
        assert all(bool(block.any()) for block in (i, g, o))


@each_model
def test_an_only_step_that_is_not_hybrid_leaves_out_the_product_with_a_state_of_0(spec: ModelSpec) -> None:
    network = build(spec, signature(1))
    answer = hybrid(network, False, CPU, lambda *_: False)
    assert answer is not None
    weights, x = members(network), inputs(signature(1), 6)
    outputs = answer(weights, x, None)
    exact = {name: weight.detach().double().requires_grad_() for name, weight in weights.items()}
    wanted = network.forward(exact, x.detach().double())
    assert error(outputs, wanted) <= 1e-5
    found = torch.autograd.grad(outputs.sum(), list(weights.values()), allow_unused=True)
    expected = torch.autograd.grad(wanted.sum(), list(exact.values()))
    for name, gradient, other in zip(weights, found, expected, strict=True):
        assert (gradient is None) == name.endswith(".recurrent"), name
        assert error(torch.zeros_like(other) if gradient is None else gradient, other) <= 1e-5, name


def test_weights_that_lie_in_the_rows_of_a_population_are_read_where_they_are() -> None:
    """Rows of a number of weights that is odd: no weight begins at a round address."""
    network = build(LSTM(hidden_size=25), signature(4))
    weights, x = members(network, 3), inputs(signature(4), 6, 3)
    sizes = [weight[0].numel() for weight in weights.values()]
    rows = torch.cat([torch.zeros(3, 1), *(weight.detach().flatten(1) for weight in weights.values())], 1)
    views = rows[:, 1:].split(sizes, 1)
    views_of_rows = {
        name: view.unflatten(1, weight.shape[1:]).requires_grad_()
        for (name, weight), view in zip(weights.items(), views, strict=True)
    }
    first, second = (slopes(answered(network)(each, x, None), each, x) for each in (weights, views_of_rows))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_backward_pass_can_run_once() -> None:
    network = build(RNN(hidden_size=24), signature(3))
    outputs = answered(network)(weights := members(network), inputs(signature(3), 2), None).sum()
    torch.autograd.grad(outputs, list(weights.values()), retain_graph=True)
    with pytest.raises(RuntimeError, match="can run once"):
        torch.autograd.grad(outputs, list(weights.values()))


@pytest.mark.parametrize(
    "spec",
    [LSTM(hidden_size=23), LSTM(hidden_size=(32, 8)), GRU(hidden_size=64, reset="before"), MLP(hidden_size=64),
     LRU(hidden_size=64)],
    ids=str,
)  # fmt: skip
def test_what_is_small_or_no_plain_stack_of_products_is_left_to_autograd(spec: ModelSpec) -> None:
    assert hybrid(build(spec, signature(4)), False, CPU) is None


def test_short_sequences_and_small_steps_of_many_members_are_not_hybrid() -> None:
    plain, gated = (build(spec, signature(4)).recurrence for spec in (RNN(hidden_size=32), LSTM(hidden_size=32)))
    assert plain is not None
    assert gated is not None
    assert pays(plain.layers[0], members=1, steps=3, batch=1)
    assert pays(plain.layers[0], members=8, steps=50, batch=32)
    assert pays(gated.layers[0], members=8, steps=50, batch=8)
    assert not pays(gated.layers[0], members=1, steps=2, batch=1_000)
    assert not pays(plain.layers[0], members=8, steps=50, batch=16)


@pytest.mark.parametrize("length", [2, 4])
def test_either_way_is_chosen_by_shape_and_answers_the_same(length: int) -> None:
    network = build(LSTM(hidden_size=24), signature(length))
    weights, x = members(network), inputs(signature(length), 20)
    chosen = hybrid(network, False, CPU)
    assert chosen is not None
    assert error(chosen(weights, x, None), answered(network)(weights, x, None)) <= 1e-5


def test_runs_of_large_layers_are_the_same_to_the_bit_alone_and_in_company() -> None:
    """Trained from start to end, with a last batch that is smaller, in a stack of 8."""
    asked = condition(GRU(hidden_size=25, dropout=0.2), FirstLast(), length=9, batch_size=16, train_size=40)
    together, alone = stories(asked, (0, 3, 4)), stories(asked, (3,))
    assert alone[3] == together[3]


def test_another_device_is_left_to_autograd() -> None:
    assert hybrid(build(LSTM(hidden_size=64), signature(4)), False, torch.device("meta")) is None
