"""Occlusion: what is lost when a window of steps is hidden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from torch import Generator, Tensor

from memspan.attribution.answer_probe import AnswerProbe
from memspan.attribution.answers import Answers
from memspan.attribution.blocks import answered, blocks
from memspan.attribution.lag_curve import Quantity
from memspan.attribution.other_tokens import other_tokens
from memspan.attribution.query_curve import attribution_curve
from memspan.attribution.replacement import answers_to_replaced, other_sequences
from memspan.attribution.selected_answer import SelectedAnswer
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.probe import Effort
from memspan.interfaces.readings import Curve
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe

Compare = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(answers to the windows' inputs, answers to the whole ones, targets) -> (M, B)"""


class Occlusion(AnswerProbe):
    """Hide a window of steps, slide it along the sequence, and see what is lost by lag.

    Lost is the rise of the answer's loss, or how far the answer itself moves. A step that several windows cover gets
    their mean. ``auc`` tells how well the sizes pick out the steps that the task declares relevant. Of
    tokens the lag is counted from each answer's own step, and ``relevant`` and ``elsewhere`` are the mean sizes at the
    steps that it depends on and at all other steps up to it.
    """

    title: ClassVar[str] = "Occlusion by lag"
    reference: ClassVar[str] = "Zeiler & Fergus (2014), arXiv 1311.2901"
    looks_inside: ClassVar[bool] = False
    kind: Literal["occlusion"] = "occlusion"
    window: Annotated[Whole, Field(ge=1, le=10_000, description="steps that are hidden together")] = 1
    stride: Annotated[
        Whole, Field(ge=1, le=10_000, description="steps from one window to the next, at most window")
    ] = 1
    baseline: Annotated[
        Literal["resample", "zero", "mean", "token"],
        Field(
            description="what is shown instead: the same steps of another sequence; 0 (of tokens the one numbered so); "
            "the mean of each step; or another token of the same kind, such as a key for a key"
        ),
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
        tokens = task.signature(length).vocabulary > 0
        if self.baseline == "mean" and tokens:
            return f"The task {task.kind} shows tokens, which have no mean: baseline must be resample, zero or token."
        if self.baseline == "token" and not tokens:
            return f"The task {task.kind} shows numbers and no tokens: baseline must be resample, zero or mean."
        if self.window > steps:
            return f"The task {task.kind} has {steps} steps here: window must be at most {steps}, given {self.window}."
        return super().objection(task, length, network)

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(
            answers=self.sequences * (1 + len(windows(task.signature(length).length, self.window, self.stride)))
        )


@probe(Occlusion)
def measure(spec: Occlusion, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Curve:
    """mean over sequences of loss(hidden) - loss(shown), or of |y(shown) - y(hidden)|, by lag.

    Units:
        nats for the loss of a classification, squared units of the answer for that of a regression.
    """
    batch, selected = spec.drawn(task, length, rng)
    fill = substitute(spec, batch.inputs, task, length, rng)
    signature, compare = selected.signature, comparison(spec, selected)
    places = windows(signature.length, spec.window, spec.stride)
    each = max(model.members * signature.length, batch.inputs[0].numel(), answered(model, signature))
    parts = (  # (M, b, T)
        occluded(model, batch[part], fill[part], places, compare, signature) for part in blocks(len(batch), each)
    )
    return attribution_curve(parts, Answers(task, length, batch, selected), quantity(spec, selected))


def substitute(spec: Occlusion, inputs: Tensor, task: TaskSpec, length: int, rng: Generator) -> Tensor:
    """What hidden steps show instead, (B, T, C)."""
    if spec.baseline == "zero":
        return torch.zeros_like(inputs)
    if spec.baseline == "mean":
        return inputs.mean(0).expand_as(inputs)
    if spec.baseline == "token":
        return other_tokens(inputs, task.token_kinds(), rng)
    return other_sequences(task, length, len(inputs), rng)


def comparison(spec: Occlusion, selected: SelectedAnswer) -> Compare:
    """What is lost, of answers to hidden and to whole sequences."""
    if spec.of == "answer":
        return selected.moved
    return lambda hidden, whole, targets: selected.loss(hidden, targets) - selected.loss(whole, targets)


def quantity(spec: Occlusion, selected: SelectedAnswer) -> Quantity:
    """What the height of the curve is."""
    if spec.of == "answer":
        return Quantity("mean move of the answer", "1")
    return Quantity("rise of the loss", "nats" if selected.signature.problem is Problem.CLASSIFICATION else "1")


def windows(steps: int, window: int, stride: int) -> list[slice]:
    """Windows of ``window`` steps, ``stride`` apart; every step lies in one at least, and the last may be shorter."""
    count = max(0, -(-(steps - window) // stride)) + 1
    return [slice(place * stride, min(place * stride + window, steps)) for place in range(count)]


def occluded(
    model: Predictor, batch: Batch, fill: Tensor, places: Sequence[slice], compare: Compare, signature: Signature
) -> Tensor:
    """What ``compare`` finds for each window, given to its steps; a step in several gets their mean, (M, B, T).

    Shapes:
        fill (B, T, C): what stands in the windows' place.

    Source:
        Zeiler & Fergus (2014), arXiv 1311.2901; windows and their mean as ``Occlusion`` of Captum has them.
    """
    whole = model(batch.inputs)
    count, steps, _ = batch.inputs.shape
    total, cover = torch.zeros(model.members, count, steps, dtype=torch.float64), torch.zeros(steps)
    for window, answer in answers_to_replaced(model, batch.inputs, fill, places, signature):
        total[..., window] += compare(answer, whole, batch.targets).double().cpu().unsqueeze(-1)
        cover[window] += 1
    return total / cover
