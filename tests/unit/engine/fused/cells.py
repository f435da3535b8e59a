"""Every recurrent model of the registry that the fused engine serves, and one optimiser step that shows a gradient."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from memspan.engine.condition import Condition
from memspan.engine.datasets import split
from memspan.engine.denormals import denormals_flushed
from memspan.engine.fused.backend import Fused
from memspan.engine.fused.scope import takes
from memspan.engine.mover import slots
from memspan.engine.scores import losses
from memspan.engine.seeds import stream
from memspan.engine.state import State
from memspan.engine.weight_rows import WeightRows
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.task import TaskSpec
from memspan.models import model
from memspan.optimizers.sgd import SGD
from memspan.tasks.latch import Latch
from memspan.training import Training
from tests.contract.variants import variants

MEMBERS = 4
"""one group side by side, and one member alone"""


def served() -> Iterator[ModelSpec]:
    """All variants of all models that the fused engine takes on."""
    signature = Latch().signature(5)
    for spec in model.specs():
        for variant in variants(spec):
            if variant.objection(signature) is None:
                condition = Condition(Latch(), variant, 5, Training(), seed=1)
                if takes(condition.network(), signature):
                    yield variant


def one_step(spec: ModelSpec, task: TaskSpec, length: int, batch: int) -> Condition:
    """A condition of one optimiser step, whose velocity is the negative gradient."""
    training = Training(
        optimizer=SGD(learning_rate=1.0, momentum=0.5), batch_size=batch, train_size=batch, validation_size=1,
        test_size=1, epochs=1,
    )  # fmt: skip
    return Condition(task, spec, length, training, seed=1)


def start(condition: Condition, members: int = MEMBERS) -> Tensor:
    """Rows (M, P) in which no weight is 0."""
    network = condition.network()
    layout = WeightRows(network)
    rows = torch.stack([layout.row(network.initialize(stream(member, "weights"))) for member in range(members)])
    return rows + 0.1 * torch.randn(rows.shape, generator=stream("noise"))


def state(condition: Condition, rows: Tensor) -> State:
    sums = {name: torch.zeros(rows.shape[0], dtype=torch.float64) for name in condition.signature.metrics}
    return State(rows.clone(), slots(condition.training, rows), sums)


def fused_gradient(condition: Condition, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients (M, P) and losses (M,) of the first batch, by the fused engine."""
    population = state(condition, rows)
    with denormals_flushed():
        assert Fused(condition, range(rows.shape[0]), population).train(0, 0) == 1
    return -population.slots["velocity"].double(), population.sums["loss"] / condition.training.batch_size


def exact_gradient(condition: Condition, rows: Tensor) -> tuple[Tensor, Tensor]:
    """The same by autograd in float64."""
    network, batch, members = condition.network(), split(condition).train, rows.shape[0]
    leaf = rows.double().requires_grad_()
    targets = batch.targets if batch.targets.dtype == torch.int64 else batch.targets.double()
    outputs = network.forward(
        WeightRows(network).named(leaf), batch.inputs.double().expand(members, *batch.inputs.shape)
    )
    loss = losses(condition.signature.problem, outputs, targets.expand(members, *targets.shape))
    return torch.autograd.grad(loss.sum(), leaf)[0], loss.detach()


def furthest(condition: Condition) -> tuple[float, float]:
    """The largest relative error of a member's gradient, and of its loss."""
    rows = start(condition)
    gradient, loss = fused_gradient(condition, rows)
    wanted, exact = exact_gradient(condition, rows)
    error = (gradient - wanted).norm(dim=1) / wanted.norm(dim=1)
    return float(error.max()), float(((loss - exact) / exact).abs().max())
