"""The probe ``weight_gradient``: exact zeros come out as zeros, the rest as autograd has it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from memspan.engine.scores import losses
from memspan.engine.seeds import stream
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.readings import Scalars
from memspan.interfaces.task import TaskSpec
from memspan.probes import measure
from memspan.probes.weight_gradient import WeightGradient
from memspan.tasks import sample
from memspan.tasks.binary_addition import BinaryAddition
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from memspan.tasks.regression import Regression
from tests.unit.probes.untrained import untrained


def asked(model: Predictor, task: TaskSpec, length: int, **fields: Any) -> Scalars:
    found = measure(WeightGradient(**{"batch_size": 16, "batches": 3, **fields}), model, task, length, stream(1))
    assert isinstance(found, Scalars)
    return found


def test_at_one_step_recurrent_matrices_and_forget_gate_have_exactly_no_gradient() -> None:
    found = asked(untrained(Regression(), 1, members=3, hidden_size=(6, 5)), Regression(), 1)
    dead = {name for name in found.values if ".recurrent" in name or name.endswith(".f")}
    assert len(dead) == 2 * (4 + 2)
    for name, value in found.values.items():
        assert (value == found.high[name] == 0) if name in dead else found.low[name] > 0


def test_over_many_steps_they_have_one() -> None:
    found = asked(untrained(FirstLast(), 6, hidden_size=3), FirstLast(), 6)
    assert all(value > 0 for value in found.values.values())
    assert found.n == 3


@pytest.mark.parametrize("task", [FirstLast(), Latch(), BinaryAddition()])
@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn", "mlp"])
def test_norms_are_those_of_the_training_loss_member_by_member(task: TaskSpec, kind: str) -> None:
    if kind == "mlp" and task.signature(5).every_step:
        return
    model = untrained(task, 5, kind, members=2, hidden_size=3)
    internals, rng = model.internals, stream(1)
    assert internals is not None
    sums: dict[str, float] = {}
    for _ in range(3):
        batch = sample(task, 5, 16, rng)
        leaves = {name: weight.clone().requires_grad_() for name, weight in internals.weights.items()}
        outputs = internals.network.forward(leaves, batch.inputs.expand(2, *batch.inputs.shape))
        targets = batch.targets.expand(2, *batch.targets.shape)
        gradients = torch.autograd.grad(losses(task.signature(5).problem, outputs, targets).sum(), [*leaves.values()])
        for name, gradient in zip(leaves, gradients, strict=True):
            for member in gradient:
                sums[name] = sums.get(name, 0) + float(member.norm()) / 6
    found = asked(model, task, 5).values
    whole = {name: found[name] for name in sums if name in found}
    assert whole == pytest.approx({name: sums[name] for name in whole}, rel=1e-4)
    assert set(sums) == {name if name in sums else name.rpartition(".")[0] for name in found if name != "all"}
    assert found["all"] >= max(value for name, value in found.items() if name != "all")


def test_blocks_of_a_batch_add_up() -> None:
    """10 000 sequences of 30 steps don't fit one block; halves of the same loss give the same gradient."""
    model, fields = untrained(FirstLast(), 30, members=4), {"batch_size": 10_000, "batches": 2}
    found = asked(model, FirstLast(), 30, **fields)
    assert found.values["all"] > 0
    internals, rng = model.internals, stream(1)
    assert internals is not None
    batch = sample(FirstLast(), 30, 10_000, rng)
    leaves = {name: weight.clone().requires_grad_() for name, weight in internals.weights.items()}
    outputs = internals.network.forward(leaves, batch.inputs.expand(4, *batch.inputs.shape))
    loss = (outputs - batch.targets).square().mean((1, 2)).sum()
    (gradient,) = torch.autograd.grad(loss, [leaves["readout.kernel"]])
    first = gradient.flatten(1).norm(dim=1).mean()
    assert found.values["readout.kernel"] == pytest.approx(float(first), rel=0.1)  # another batch is averaged in
