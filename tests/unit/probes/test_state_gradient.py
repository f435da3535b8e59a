"""The probe ``state_gradient`` on states whose gradient is known by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from memspan.dynamics.double_precision import double_precision
from memspan.dynamics.sequence_losses import sequence_losses
from memspan.dynamics.state_probe import recurrent_internals
from memspan.engine.seeds import stream
from memspan.instruments import gate, linear
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.readings import Curve
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.task import TaskSpec
from memspan.layers.bound import bind
from memspan.layers.dense import affine
from memspan.probes import measure
from memspan.probes.state_gradient import StateGradient, gradient_norms
from memspan.tasks import sample
from memspan.tasks.binary_addition import BinaryAddition
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from tests.unit.probes.population import population

LENGTH = 40
SUM = FirstLast()
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("mlp", {}, "looks at recurrent layers, and this model has none for latch."),
    ("gru", {"state": "c"}, "finds h in this model for latch, but no state c."),
    (
        "lstm",
        {"layer": 1},
        "finds 1 recurrent layers in this model for latch: layer must lie between -1 and 0, given 1.",
    ),
]


def asked(model: Predictor, task: TaskSpec = SUM, length: int = LENGTH, **fields: Any) -> Curve:
    found = measure(StateGradient(**fields), model, task, length, stream(1))
    assert isinstance(found, Curve)
    return found


@pytest.mark.parametrize("a", [0.5, 0.9, -0.8, 1.05])
def test_a_linear_state_falls_by_a_at_every_step(a: float) -> None:
    found = asked(linear(torch.tensor(a)))
    assert found.y == pytest.approx([abs(a) ** lag for lag in range(LENGTH)], rel=1e-5)
    assert found.scores["exponential_rate"] == pytest.approx(-math.log(abs(a)), abs=1e-6)
    half = math.log(2) / -math.log(abs(a)) if abs(a) < 1 else math.inf
    assert found.scores["half_length_steps"] == pytest.approx(half, rel=1e-5)


def test_a_linear_state_falls_exponentially_and_not_as_a_power_law() -> None:
    scores = asked(linear(torch.tensor(0.9))).scores
    exponential, power = scores["exponential_aic"], scores["power_law_aic"]
    assert exponential is not None
    assert power is not None
    assert exponential < power


def test_a_matrix_pulls_the_gradient_by_its_transpose() -> None:
    matrix = torch.tensor([[0.5, 0.6], [-0.3, 0.9]])
    gradient, norms = torch.tensor([1.0, 0.0]), []
    for _ in range(LENGTH):
        norms.append(float(gradient.norm()))
        gradient = matrix.T @ gradient
    assert asked(linear(matrix)).y == pytest.approx(norms, rel=1e-5)


@pytest.mark.parametrize("at", [0, 3, 6])
@pytest.mark.parametrize("state", [0, 1])
def test_both_states_of_an_lstm_have_the_gradient_that_moving_them_shows(state: int, at: int) -> None:
    """dL/dh_t and dL/dc_t against central differences of runs that go on from a moved state; c_t also makes h_t."""
    task, length = Latch(), 7
    internals, recurrence = recurrent_internals(
        StateGradient(), population("lstm", task, length, hidden_size=3, initialization="torch")
    )
    batch, weights = sample(task, length, 4, stream(2)), double_precision(internals)
    bound = bind(recurrence.layers[0], weights)
    sequence = batch.inputs.double().transpose(0, 1).unsqueeze(0)
    h, c = bound.run(sequence)[at]

    def loss(unit: int, by: float) -> torch.Tensor:
        step = by * torch.eye(3, dtype=torch.float64)[unit]
        moved = (h + step, c) if state == 0 else (h / torch.tanh(c) * torch.tanh(c + step), c + step)
        end = bound.run(sequence[:, at + 1 :], moved)[-1] if at + 1 < length else moved
        return sequence_losses(Problem.CLASSIFICATION, affine(weights, "readout", end[0]), batch.targets)[0]

    slopes = torch.stack([(loss(unit, 1e-5) - loss(unit, -1e-5)) / 2e-5 for unit in range(3)], dim=-1)
    steps = torch.full((4,), length - 1)
    found = gradient_norms(internals, recurrence, batch, task.signature(length), (0, state), steps)[0, :, at]
    assert torch.allclose(found, slopes.norm(dim=-1), rtol=1e-6, atol=1e-11)


def test_the_cell_of_a_gated_unit_with_bias_b_falls_by_its_forget_gate() -> None:
    keep = 1 / (1 + math.exp(-2.0))
    found = asked(gate([2.0]))
    assert found.y == pytest.approx([keep**lag for lag in range(LENGTH)], rel=1e-5)


def test_only_the_last_answer_of_many_counts() -> None:
    """A linear unit that answers at every step: the loss of earlier answers would add to the gradient at lag 1 on."""
    signature = Signature(9, channels=2, outputs=2, problem=Problem.CLASSIFICATION, every_step=True)
    found = asked(linear(torch.tensor(0.5), signature), BinaryAddition(), length=8)
    assert found.y == pytest.approx([0.5**lag for lag in range(9)], rel=1e-6)


def test_a_lower_layer_and_a_layer_that_goes_forward_beside_one_that_goes_backward_can_be_asked() -> None:
    stacked = population("lstm", Latch(), 6, members=2, hidden_size=(3, 2), bidirectional=True)
    for layer in (0, 1, -1, -2):
        for state in ("h", "c"):
            found = asked(stacked, Latch(), 6, layer=layer, state=state)
            assert found.n == 2
            assert found.y[0] == 1 or layer in (0, -2)


def test_several_models_give_their_median_and_no_one_rules_it() -> None:
    """Two units that halve and one that doubles at every step."""
    one = linear(torch.tensor(0.5))
    assert one.internals is not None
    weights = {name: weight.repeat(3, *[1] * (weight.dim() - 1)) for name, weight in one.internals.weights.items()}
    weights["layer0.recurrent"][2] = 2.0
    found = asked(trained(one.internals.network, weights, one.internals.signature))
    assert found.n == 3
    assert found.y == pytest.approx([0.5**lag for lag in range(LENGTH)], rel=1e-6)
    assert found.scores["half_length_steps"] == pytest.approx(1, rel=1e-6)
    assert found.high[5] == pytest.approx(32)


def test_a_network_without_recurrent_layers_or_such_a_state_is_refused_in_a_sentence() -> None:
    for model, fields, words in REFUSED:
        internals = population(model, Latch(), 5).internals
        assert internals is not None
        objection = StateGradient(**fields).objection(Latch(), 5, internals.network)
        assert objection == f"The probe state_gradient {words}"
