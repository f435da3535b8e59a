"""The perceptron whose carry is fed back: a full adder set by hand, and a recurrent net in disguise."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from memspan.engine.seeds import stream
from memspan.interfaces.signature import Problem, Signature
from memspan.models import build
from memspan.models.carry_mlp import CarryMLP
from memspan.tasks import sample
from memspan.tasks.binary_addition import BinaryAddition
from tests.unit.models.networks import members, regression, sequences

TASK = BinaryAddition(answer="sum_and_carry")
SHARP = 40.0
"""logits between neighbouring classes, half of it between the best two: the softmax is off by e^-20"""


def adder() -> dict[str, Tensor]:
    """One relu unit counts n = a + b + carry; class n = sum + 2 carry gets the logit 2 n j - j², largest at j = n."""
    classes = torch.arange(4.0)
    return {
        "layer0.kernel": torch.tensor([[[1.0], [1.0], [0.0], [1.0]]]),
        "layer0.bias": torch.zeros(1, 1),
        "readout.kernel": (SHARP * classes)[None, None],
        "readout.bias": (-SHARP / 2 * classes**2)[None],
    }


def network(length: int = 1) -> Any:
    return build(CarryMLP(hidden_size=1, activation="relu"), TASK.signature(length))


def test_weights_set_by_hand_give_the_eight_rows_of_a_full_adder() -> None:
    """(a, b, carry) -> (sum, carry): a step that makes the carry, then the step that uses it."""
    rows = list(product((0.0, 1.0), repeat=3))
    inputs = torch.tensor([[[[c, c], [a, b]] for a, b, c in rows]])
    classes = network().forward(adder(), inputs)[0, :, 1].argmax(-1)
    table = [(int(found) % 2, int(found) // 2) for found in classes]
    assert table == [(0, 0), (1, 0), (1, 0), (0, 1), (1, 0), (0, 1), (0, 1), (1, 1)]


def test_they_add_numbers_of_any_length_without_an_error() -> None:
    for bits in (1, 8, 64, 500):
        batch = sample(TASK, bits, 200, stream("additions", bits))
        logits = network(8).forward(adder(), batch.inputs[None])[0]
        assert torch.equal(logits.argmax(-1), batch.targets)


def test_the_state_handed_back_is_the_probability_that_its_own_answer_gives() -> None:
    """A recurrent net by the book, step by step; three states and two answers."""
    task = Signature(5, 2, 6, Problem.CLASSIFICATION, every_step=True, own_states=3)
    made = build(CarryMLP(hidden_size=(4, 3)), task)
    weights, inputs = members(made, 2), sequences(task, 3, 2)
    found = made.forward(weights, inputs)
    assert made.state_size == 3
    state = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64).expand(2, 3, 3)
    for step in range(5):
        x = torch.cat([inputs[:, :, step], state], -1)
        for layer in ("layer0", "layer1"):
            x = torch.tanh(x @ weights[f"{layer}.kernel"] + weights[f"{layer}.bias"][:, None])
        logits = x @ weights["readout.kernel"] + weights["readout.bias"][:, None]
        assert torch.allclose(found[:, :, step], logits, rtol=1e-12, atol=1e-12)
        chances = logits.softmax(-1)
        state = torch.stack([chances[..., 2 * s] + chances[..., 2 * s + 1] for s in range(3)], -1)


def test_the_gradient_runs_through_the_state_to_the_first_step() -> None:
    made = build(CarryMLP(), TASK.signature(6))
    inputs = sequences(TASK.signature(6)).requires_grad_()
    (slopes,) = torch.autograd.grad(made.forward(members(made), inputs)[:, :, -1].square().sum(), inputs)
    assert (slopes.abs() > 0).all()


def test_its_size_is_that_of_a_perceptron_over_the_step_and_the_state() -> None:
    assert build(CarryMLP(hidden_size=16), TASK.signature(8)).parameters == (2 + 2 + 1) * 16 + (16 + 1) * 4


@pytest.mark.parametrize("task", [BinaryAddition().signature(8), regression(5, every_step=True), regression(5)])
def test_it_refuses_tasks_that_name_no_state(task: Signature) -> None:
    told = CarryMLP().objection(task)
    assert told is not None
    assert told.endswith('e.g. binary_addition with "answer": "sum_and_carry".')
    assert CarryMLP().objection(TASK.signature(8)) is None
