"""Length shift: how a model does at lengths that it was never trained on."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import AfterValidator, Field
from torch import Generator, Tensor

from memspan.attribution.blocks import DRAWN_VALUES, blocks
from memspan.attribution.sequence_metrics import metrics_of
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.probe import Effort, ProbeSpec
from memspan.interfaces.readings import Curve
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import Length, Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.statistics.band import band
from memspan.tasks import sample

Ascending = AfterValidator(lambda lengths: tuple(sorted(set(lengths))))


class LengthShift(ProbeSpec):
    """The score of fresh sequences of other lengths than the one that the model was trained on.

    Lengths are in the task's own measure, e.g. bits for an addition. Only models that take any length can be asked.
    """

    title: ClassVar[str] = "Length shift"
    reference: ClassVar[str] = "Gers, Schmidhuber & Cummins (2000), Neural Computation 12(10): longer than trained on"
    looks_inside: ClassVar[bool] = False
    kind: Literal["length_shift"] = "length_shift"
    lengths: Annotated[
        tuple[Length, ...], Field(min_length=1, max_length=64, description="lengths to test; a set"), Ascending
    ] = (10, 20, 50, 100)
    metric: Annotated[
        Literal["loss", "accuracy", "exact"],
        Field(description="exact: the share of sequences that are right at every step that counts"),
    ] = "loss"
    sequences: Annotated[Whole, Field(ge=2, le=100_000, description="fresh sequences for each length")] = 1_000

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        if not task.has_length:
            return f"The task {task.kind} has no length that could be shifted."
        if (longest := task.longest()) is not None and self.lengths[-1] > longest:
            return f"The points of {task.kind} were chosen for up to {longest} steps; given {self.lengths[-1]}."
        if task.signature(length).at_end:
            return (
                f"The decoder of {task.kind} says as many tokens as it was built for, {length}; ask length in a grid."
            )
        if network is not None and not network.any_length:
            return f"The model takes sequences of the length that it was built for only, {length} for {task.kind}."
        if self.lengths[0] < task.minimum_length:
            return f"The task {task.kind} needs lengths of at least {task.minimum_length}; given {self.lengths[0]}."
        metrics = task.signature(length).metrics
        if self.metric not in metrics:
            return f"The task {task.kind} is scored by {', '.join(metrics)}; the metric {self.metric} was asked for."
        return self._other_shape(task, length)

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        steps = sum(task.signature(other).length for other in self.lengths) // len(self.lengths)
        return Effort(answers=self.sequences * len(self.lengths), calls=len(self.lengths), steps=max(steps, 1))

    def _other_shape(self, task: TaskSpec, length: int) -> str | None:
        """A network fits lengths at which the task has as many channels and outputs as it was built for."""
        built = _shape(task.signature(length))
        for other in self.lengths:
            if _shape(task.signature(other)) != built:
                return f"The task {task.kind} has other channels or outputs at length {other} than at {length}."
        return None


def _shape(signature: Signature) -> tuple[int, int]:
    return signature.channels, signature.outputs


@probe(LengthShift)
def measure(spec: LengthShift, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Curve:
    """The mean of a metric over fresh sequences, by their length.

    Units:
        of the loss nats or squared units of the answer; shares for the others.
    """
    each = [_asked(spec, model, task, other, rng) for other in spec.lengths]  # (M, S or 1) of each length
    found = band(torch.stack(each, dim=-1).cpu().numpy())
    y, low, high = (tuple(values.tolist()) for values in (found.value, found.low, found.high))
    at_own_measure = any(task.signature(other).length != other for other in spec.lengths)
    units = ("" if at_own_measure else "steps", _unit(spec, task, length))
    return Curve(spec.lengths, y, low, high, found.n, "sequence length", spec.metric, *units, _floor(spec, task))


def _asked(spec: LengthShift, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Tensor:
    """The metric of each sequence, (M, S); of several members their mean, (M, 1)."""
    signature = task.signature(length)
    values = signature.length * signature.channels
    parts = [
        metrics_of(model, signature, sample(task, length, part.stop - part.start, rng))[spec.metric]
        for part in blocks(spec.sequences, values, DRAWN_VALUES)
    ]
    together = torch.cat(parts, dim=1)
    return together if model.members == 1 else together.mean(1, keepdim=True)


def _unit(spec: LengthShift, task: TaskSpec, length: int) -> str:
    return "nats" if spec.metric == "loss" and task.is_classification(length) else "1"


def _floor(spec: LengthShift, task: TaskSpec) -> float | None:
    """The task's first baseline of the metric, where it is the same at all lengths."""
    found = {
        next((each.value for each in task.baselines(length) if each.metric == f"test_{spec.metric}"), None)
        for length in spec.lengths
    }
    return found.pop() if len(found) == 1 else None
