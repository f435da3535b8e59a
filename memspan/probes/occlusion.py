"""Occlusion: what is lost when a window of steps is hidden."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from torch import Generator, Tensor

from memspan.attribution.lags import Words, by_lag
from memspan.attribution.occlude import Compare, occluded, windows
from memspan.attribution.other_sequences import other_sequences
from memspan.attribution.question import Question
from memspan.attribution.relevance import relevant
from memspan.attribution.size import answered, blocks
from memspan.attribution.watched import Watched
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.readings import Curve
from memspan.interfaces.signature import Problem
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.tasks import sample


class Occlusion(Question):
    """Hide a window of steps, slide it along the sequence, and see what is lost by lag.

    Lost is the rise of the watched answer's loss, or how far the answer itself moves. A step that several windows
    cover gets their mean. ``auc`` tells how well the sizes pick out the steps that the task declares relevant.
    """

    title: ClassVar[str] = "Occlusion by lag"
    reference: ClassVar[str] = "Zeiler & Fergus (2014), arXiv 1311.2901"
    kind: Literal["occlusion"] = "occlusion"
    window: Annotated[Whole, Field(ge=1, le=10_000, description="steps that are hidden together")] = 1
    stride: Annotated[
        Whole, Field(ge=1, le=10_000, description="steps from one window to the next, at most window")
    ] = 1
    baseline: Annotated[
        Literal["resample", "zero", "mean"],
        Field(description="what is shown instead: the same steps of another sequence, 0, or the mean of each step"),
    ] = "resample"
    of: Annotated[
        Literal["loss", "answer"],
        Field(description="rise of the loss, or how far the output or the true class's probability moves"),
    ] = "loss"

    @field_validator("stride")
    @classmethod
    def _no_gaps(cls, stride: int, info: ValidationInfo) -> int:
        """Every step must be hidden once."""
        window = info.data.get("window", stride)
        if stride > window:
            message = "stride must be at most window, {window}, or some steps are never hidden; given {stride}."
            raise PydanticCustomError("out_of_range", message, {"window": window, "stride": stride})
        return stride

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        steps = task.signature(length).length
        if self.window > steps:
            return f"The task {task.kind} has {steps} steps here: window must be at most {steps}, given {self.window}."
        return super().objection(task, length, network)


@probe(Occlusion)
def measure(spec: Occlusion, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Curve:
    """mean over sequences of loss(hidden) - loss(shown), or of |y(shown) - y(hidden)|, by lag.

    Units:
        nats for the loss of a classification, squared units of the answer for that of a regression.
    """
    batch, watched = sample(task, length, spec.sequences, rng), spec.watch(task, length)
    fill = substitute(spec, batch.inputs, task, length, rng)
    signature, compare = watched.signature, comparison(spec, watched)
    places = windows(signature.length, spec.window, spec.stride)
    each = max(model.members * signature.length, batch.inputs[0].numel(), answered(model, signature))
    parts = (  # (M, b, T)
        occluded(model, batch[part], fill[part], places, compare, signature) for part in blocks(len(batch), each)
    )
    return by_lag(parts, watched, relevant(task, length, watched), words(spec, watched))


def substitute(spec: Occlusion, inputs: Tensor, task: TaskSpec, length: int, rng: Generator) -> Tensor:
    """What hidden steps show instead, (B, T, C)."""
    if spec.baseline == "zero":
        return torch.zeros_like(inputs)
    if spec.baseline == "mean":
        return inputs.mean(0).expand_as(inputs)
    return other_sequences(task, length, len(inputs), rng)


def comparison(spec: Occlusion, watched: Watched) -> Compare:
    """What is lost, of answers to hidden and to whole sequences."""
    if spec.of == "answer":
        return watched.moved
    return lambda hidden, whole, targets: watched.loss(hidden, targets) - watched.loss(whole, targets)


def words(spec: Occlusion, watched: Watched) -> Words:
    """What the height of the curve is."""
    if spec.of == "answer":
        return Words("mean move of the answer", "1")
    return Words("rise of the loss", "nats" if watched.signature.problem is Problem.CLASSIFICATION else "1")
