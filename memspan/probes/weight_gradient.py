"""Weight gradient: which parts of the weights the loss still pulls at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional

from memspan.attribution.blocks import blocks, carried, too_large
from memspan.attribution.input_gradients import TAPED_VALUES
from memspan.attribution.internals import internals_of
from memspan.attribution.weight_blocks import WeightBlock, weight_blocks
from memspan.interfaces.batch import IGNORED, Batch
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Internals, Predictor
from memspan.interfaces.probe import Effort, ProbeSpec
from memspan.interfaces.readings import Scalars
from memspan.interfaces.signature import Problem
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.statistics.estimate import estimate, mean
from memspan.tasks import sample

Gradients = Mapping[str, Tensor]
"""By the weights' names, each (M, ...)."""


class WeightGradient(ProbeSpec):
    """The norm of the training loss's gradient by each part of the weights, on fresh batches.

    Parts are each layer's kernel, recurrent matrix and bias, each gate's block by itself, and every other weight;
    ``all`` is the whole gradient. A part that the loss does not depend on has exactly 0. With one model the interval is
    over batches. Weight decay and dropout are left out.
    """

    title: ClassVar[str] = "Gradient by the weights"
    reference: ClassVar[str] = "Pascanu, Mikolov & Bengio (2013), arXiv 1211.5063: norms of gradients"
    kind: Literal["weight_gradient"] = "weight_gradient"
    batch_size: Annotated[
        Whole, Field(ge=1, le=10_000, description="fresh sequences whose mean loss is differentiated")
    ] = 100
    batches: Annotated[Whole, Field(ge=2, le=1_000, description="batches that the norms are averaged over")] = 10

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        problem = too_large(task, length, self.batch_size)
        return None if problem is None else problem.replace("sequences must", "batch_size must")

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(gradients=self.batches * self.batch_size, calls=self.batches)


@probe(WeightGradient)
def measure(spec: WeightGradient, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Scalars:
    """mean over batches of the Euclidean norm of dL/dw for each part w.

    Units:
        nats or squared units of the answer, for each unit of a weight.
    """
    internals = internals_of(model, spec.kind)
    parts = weight_blocks(internals.network)
    drawn = (sample(task, length, spec.batch_size, rng) for _ in range(spec.batches))
    found = [norms(gradients(internals, model, batch), parts) for batch in drawn]
    each = {name: torch.stack([norm[name] for norm in found], dim=1) for name in found[0]}  # (M, batches)
    estimates = {name: estimate(values.cpu().numpy(), mean) for name, values in each.items()}
    value, low, high = ({name: getattr(e, end) for name, e in estimates.items()} for end in ("value", "low", "high"))
    return Scalars(value, low, high, estimates["all"].n, dict.fromkeys(value, unit(internals)))


def unit(internals: Internals) -> str:
    """Of a norm."""
    return "nats / weight" if internals.signature.problem is Problem.CLASSIFICATION else "1 / weight"


def gradients(internals: Internals, model: Predictor, batch: Batch) -> Gradients:
    """Of each member's mean loss over a batch, in blocks that bound memory."""
    leaves = {name: weight.detach().requires_grad_() for name, weight in internals.weights.items()}
    count, steps, channels = batch.inputs.shape
    answers = int((batch.targets >= 0).sum()) if internals.signature.places else count
    total = {name: torch.zeros_like(weight) for name, weight in internals.weights.items()}
    for part in blocks(count, carried(model, steps, channels), TAPED_VALUES):
        with torch.enable_grad():
            inputs = batch.inputs[part].expand(model.members, -1, -1, -1)
            outputs = internals.network.forward(leaves, inputs)
            loss = summed_loss(outputs, batch.targets[part], internals.signature.problem) / answers
        found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
        for name, gradient in zip(leaves, found, strict=True):
            total[name] += gradient
    return total


def summed_loss(outputs: Tensor, targets: Tensor, problem: Problem) -> Tensor:
    """The sum over members and sequences of each one's mean loss over its answers.

    Where some targets are ignored, the sum over all answers that are due.

    Shapes:
        outputs (M, B, K) or (M, B, T, K), logits for a classification; targets as a Batch has them.
    """
    everyone = targets.expand(outputs.shape[0], *targets.shape)
    if problem is Problem.REGRESSION:
        return (outputs - everyone).square().sum() / targets[0].numel()
    logits, classes = outputs.flatten(0, -2), everyone.flatten()
    total = functional.cross_entropy(logits, classes, reduction="sum", ignore_index=IGNORED)
    return total if (targets == IGNORED).any() else total / targets[0].numel()


def norms(found: Gradients, parts: tuple[WeightBlock, ...]) -> dict[str, Tensor]:
    """The Euclidean norm of each part and of all, each (M,) float64."""
    each = {part.name: part.of(found[part.weight]).double().flatten(1).norm(dim=1) for part in parts}
    return {"all": torch.stack(list(each.values())).norm(dim=0), **each}
