"""Gradients by the inputs, and their integral, member by member and block by block."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from memspan.attribution.input_gradients import input_gradients
from memspan.attribution.selected_answer import SelectedAnswer
from memspan.engine.seeds import stream
from memspan.instruments import adder
from memspan.interfaces.batch import Batch
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.task import TaskSpec
from memspan.probes.integrated_gradients import gauss_legendre, integrated
from memspan.tasks import sample
from memspan.tasks.binary_addition import BinaryAddition
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from tests.unit.probes.untrained import untrained

LENGTH = 6
CASES: list[tuple[TaskSpec, int, dict[str, Any]]] = [
    (FirstLast(), 5, {}),
    (Latch(), 5, {}),
    (Latch(), 5, {"logarithm": True}),
    (BinaryAddition(), 6, {}),
    (BinaryAddition(), 3, {"logarithm": True}),
]
cases = pytest.mark.parametrize(("task", "step", "fields"), CASES)


def one_by_one(model: Predictor, batch: Batch, selected: SelectedAnswer) -> torch.Tensor:
    """Each member by itself, each sequence by itself."""
    internals = model.internals
    assert internals is not None
    found = []
    for member in range(model.members):
        mine = {name: weight[member : member + 1] for name, weight in internals.weights.items()}
        alone = trained(internals.network, mine, internals.signature)
        for row in range(len(batch)):
            x = batch.inputs[row : row + 1].clone().requires_grad_()
            selected.number(alone.answer(x), batch.targets[row : row + 1]).sum().backward()  # type: ignore[no-untyped-call]
            assert x.grad is not None
            found.append(x.grad[0])
    return torch.stack(found).view(model.members, len(batch), *batch.inputs.shape[1:])


@cases
@pytest.mark.parametrize("budget", [1, 40, 2**20])
def test_slopes_are_those_of_each_member_and_sequence_by_itself(
    task: TaskSpec, step: int, fields: dict[str, Any], budget: int
) -> None:
    batch, model = sample(task, LENGTH, 7, stream(1)), untrained(task, LENGTH, members=3, hidden_size=2)
    selected = SelectedAnswer(task.signature(LENGTH), step, **fields)
    assert torch.allclose(
        input_gradients(model, batch, selected, budget), one_by_one(model, batch, selected), atol=1e-6
    )


@cases
@pytest.mark.parametrize("budget", [1, 2**20])
def test_integrated_gradients_of_a_sequence_add_up_to_the_whole_difference(
    task: TaskSpec, step: int, fields: dict[str, Any], budget: int
) -> None:
    batch, model = sample(task, LENGTH, 7, stream(1)), untrained(task, LENGTH, members=3, hidden_size=2)
    selected = SelectedAnswer(task.signature(LENGTH), step, **fields)
    found = integrated(model, batch, selected, 20, budget).sum((-1, -2))
    shown = selected.number(model(batch.inputs), batch.targets)
    nothing = selected.number(model(torch.zeros_like(batch.inputs)), batch.targets)
    assert torch.allclose(found, shown - nothing, atol=1e-5)


def test_integrated_gradients_of_an_adder_are_its_two_inputs() -> None:
    batch = sample(FirstLast(), LENGTH, 50, stream(1))
    found = integrated(adder(), batch, SelectedAnswer(FirstLast().signature(LENGTH), LENGTH - 1), 50)[0]
    assert torch.allclose(found[:, 0], batch.inputs[:, 0], atol=1e-6)
    assert torch.allclose(found[:, -1], batch.inputs[:, -1], atol=1e-6)
    assert not found[:, 1:-1].any()


def test_a_product_is_shared_equally() -> None:
    """y = x0 x1: dy/dx0 at a x is a x1, so either factor gets half of the product."""
    product = Predictor(1, lambda x: (x[:, 0] * x[:, 1]).unsqueeze(0))
    batch = sample(FirstLast(), 3, 50, stream(1))
    found = integrated(product, batch, SelectedAnswer(FirstLast().signature(3), 2), 1)[0, ..., 0]
    half = batch.inputs[:, 0, 0] * batch.inputs[:, 1, 0] / 2
    assert torch.allclose(found[:, 0], half, atol=1e-6)
    assert torch.allclose(found[:, 1], half, atol=1e-6)


@pytest.mark.parametrize("points", [1, 2, 3, 50])
def test_the_rule_is_exact_up_to_its_degree(points: int) -> None:
    nodes, shares = gauss_legendre(points)
    for degree in range(2 * points):
        assert float((shares.double() * nodes.double() ** degree).sum()) == pytest.approx(1 / (degree + 1), rel=1e-5)
