"""Lesion: set a part of the weights to zero and see what is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.attribution.blocks import answered, blocks, too_large
from memspan.attribution.internals import internals_of
from memspan.attribution.sequence_metrics import metrics_of
from memspan.attribution.weight_blocks import WeightBlock, weight_blocks
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Network, Weights
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.probe import Effort, ProbeSpec
from memspan.interfaces.readings import Scalars
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.statistics.bootstrap import Floats
from memspan.statistics.estimate import Estimate, estimate, mean
from memspan.tasks import sample


class Lesion(ProbeSpec):
    """Set a part of every recurrent layer's weights to zero, and compare loss and answers before and after.

    ``largest_change`` is the largest move of any output (of a probability, for a classification): 0 means that the part
    does nothing. A gate whose weights are all zero stands at the middle of its range, .5 for a logistic one. Weights
    beside kernel, recurrent matrix and biases, such as peepholes, stay.
    """

    title: ClassVar[str] = "Lesion of weights"
    reference: ClassVar[str] = "Greff et al. (2017), arXiv 1503.04069: gates left out one by one, there before training"
    kind: Literal["lesion"] = "lesion"
    part: Annotated[
        Literal["recurrent", "kernel", "bias", "all"],
        Field(description="recurrent matrices, input kernels, biases, or the three together"),
    ] = "recurrent"
    gate: Annotated[
        Annotated[str, Field(strict=True, min_length=1, max_length=32)] | None,
        Field(description="only the weights of this gate, e.g. f for an LSTM's forget gate; null: of all"),
    ] = None
    sequences: Annotated[Whole, Field(ge=2, le=10_000, description="fresh sequences to answer twice")] = 1_000

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        if task.signature(length).at_end:
            return (
                f"The probe lesion is for recurrent layers, and answers to {task.kind} come from a decoder behind "
                "them. Ask weight_gradient."
            )
        if network is not None and not self.weight_blocks(network):
            return self._nothing(task, network)
        return too_large(task, length, self.sequences)

    def _nothing(self, task: TaskSpec, network: Network) -> str:
        if network.recurrence is None:
            return f"The probe lesion is for recurrent layers, and this model for {task.kind} has none."
        gates = ", ".join(dict.fromkeys(gate for layer in network.recurrence.layers for gate in layer.cell.gates))
        given = f"part {self.part}" + (f" and gate {self.gate}" if self.gate else "")
        return f"This model for {task.kind} has no such weights: its gates are {gates}; given {given}."

    def weight_blocks(self, network: Network) -> tuple[WeightBlock, ...]:
        """What is set to zero."""
        return tuple(
            block
            for block in weight_blocks(network)
            if block.role is not None and self.part in ("all", block.role) and self.gate in (None, block.gate)
        )

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(answers=4 * self.sequences, calls=4)


@probe(Lesion)
def measure(spec: Lesion, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Scalars:
    """Each metric before and after, its change, and the largest |y' - y| over sequences and outputs.

    Units:
        of the loss nats or squared units of the answer, of the largest change units of the answer.
    """
    internals = internals_of(model, spec.kind)
    hurt = trained(
        internals.network, lesioned(internals.weights, spec.weight_blocks(internals.network)), internals.signature
    )
    batch = sample(task, length, spec.sequences, rng)
    before, after = (metrics_of(each, internals.signature, batch) for each in (model, hurt))
    found = {"largest_change": estimate(largest_change(model, hurt, batch, internals.signature).cpu().numpy(), highest)}
    for name in before:
        pair = {"before": before[name], "after": after[name], "change": after[name] - before[name]}
        found |= {f"{name}_{when}": estimate(values.cpu().numpy(), mean) for when, values in pair.items()}
    return scalars(found, "nats" if task.is_classification(length) else "1")


def lesioned(weights: Weights, lesions: Sequence[WeightBlock]) -> dict[str, Tensor]:
    """Copies of the weights with some blocks at zero; the others as they are."""
    cut = {block.weight for block in lesions}
    found = {name: weight.clone() if name in cut else weight for name, weight in weights.items()}
    for block in lesions:
        block.of(found[block.weight]).zero_()
    return found


def largest_change(before: Predictor, after: Predictor, batch: Batch, signature: Signature) -> Tensor:
    """The largest move of any output in each sequence, (M, B)."""
    each = max(batch.inputs[0].numel(), answered(before, signature))
    mine = [batch.inputs[part] for part in blocks(len(batch), each)]
    return torch.cat([(after(x) - before(x)).abs().flatten(2).amax(-1) for x in mine], dim=1).double()


def highest(samples: Floats) -> Floats:
    """Maximum over the last axis."""
    result: Floats = samples.max(axis=-1)
    return result


def scalars(found: Mapping[str, Estimate], loss_unit: str) -> Scalars:
    """Estimates by name as one reading."""
    value, low, high = ({name: getattr(each, end) for name, each in found.items()} for end in ("value", "low", "high"))
    units = {name: loss_unit if name.startswith("loss") else "1" for name in found}
    return Scalars(value, low, high, found["largest_change"].n, units)
