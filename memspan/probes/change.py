"""Change: by how much the answer moves when one step of the input is scaled, or shows another token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.attribution.answers import Answers
from memspan.attribution.blocks import answered, blocks
from memspan.attribution.one_answer import about_step
from memspan.attribution.other_tokens import other_tokens
from memspan.attribution.selected_answer import SelectedAnswer
from memspan.datasets.parts import PART_VALUES
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.probe import Effort, ProbeSpec
from memspan.interfaces.readings import Scalars
from memspan.interfaces.signature import Problem
from memspan.interfaces.spec import Real, Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.statistics.estimate import Estimate, estimate, mean, median
from memspan.tasks import parts, sample_in_parts


class Change(ProbeSpec):
    """Scale one step of the input by some percent and report the median percent by which the answer moves.

    For a classification the answer is the probability of the true class. A model that adds the first and the last
    step moves by half of ``percent`` for either of them, one that ignores the step by 0.

    A token has no size: the step shows another token of its kind instead, such as another key, whatever ``percent``
    is. Of several answers to a sequence the one is looked at that depends on the step, if there is one.
    ``relevant_change`` is the median over those, and ``relevant_share`` says how many they are.
    """

    title: ClassVar[str] = "Change one step"
    reference: ClassVar[str] = (
        "dwipam (2021), How Long Dependencies Can LSTM & T-CNN Really Remember?, medium.com/analytics-vidhya"
    )
    looks_inside: ClassVar[bool] = False
    kind: Literal["change"] = "change"
    index: Annotated[Whole, Field(description="time step to change; negative counts from the end")] = 0
    percent: Annotated[
        Real, Field(ge=-1_000, le=1_000, description="how much is added to the step, percent of it; not of a token")
    ] = 50
    sequences: Annotated[Whole, Field(ge=1, le=100_000, description="fresh sequences to ask about")] = 2_000

    def indices(self) -> dict[str, int]:
        return {"index": self.index}

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(answers=2 * self.sequences, calls=2)


@probe(Change)
def measure(spec: Change, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Scalars:
    """median(100 (y' - y) / y) with x[:, index] scaled by 1 + percent / 100, or another token.

    The median, because the ratio of two normal sums is Cauchy and has no mean.

    Units:
        percent of the unchanged answer.

    Source:
        ``change()`` of github.com/dwipam/medium-3, with both answers flattened: its own broadcast made an n x n matrix.
    """
    ranges = parts(task, length, spec.sequences)
    if task.signature(length).vocabulary:
        return _of_tokens(spec, model, task, length, ranges, rng)
    each = answered(model, task.signature(length))
    moved = [
        _moved(spec, model, part[some], task, length)
        for part in sample_in_parts(task, length, ranges, rng)
        for some in blocks(len(part), each, PART_VALUES)
    ]
    return _reading({"median_change": estimate(torch.cat(moved, dim=1).numpy(), median)})


def _reading(found: Mapping[str, Estimate]) -> Scalars:
    value, low, high = ({name: getattr(each, end) for name, each in found.items()} for end in ("value", "low", "high"))
    units = {name: "1" if name.endswith("share") else "%" for name in found}
    return Scalars(value, low, high, found["median_change"].n, units)


def _moved(spec: Change, model: Predictor, batch: Batch, task: TaskSpec, length: int) -> Tensor:
    """By how many percent each answer moves, (M, S) float64."""
    before = compared(model(batch.inputs), batch, task, length)
    scaled = batch.inputs.clone()
    scaled[:, spec.index] *= 1 + spec.percent / 100
    return relative_change(before, compared(model(scaled), batch, task, length)).double().cpu()


def compared(outputs: Tensor, batch: Batch, task: TaskSpec, length: int) -> Tensor:
    """The number that is compared, of the last answer: all outputs, or the true class's probability, (M, S)."""
    signature = task.signature(length)
    if signature.problem is Problem.REGRESSION:
        return (outputs[:, :, -1] if signature.every_step else outputs).flatten(1)
    return SelectedAnswer(signature, signature.length - 1).number(outputs, batch.targets)


def relative_change(before: Tensor, after: Tensor) -> Tensor:
    """100 (after - before) / before, and 0 where nothing changed (0 / 0 included)."""
    return torch.where(after == before, torch.zeros_like(before), 100 * (after - before) / before)


def _of_tokens(
    spec: Change, model: Predictor, task: TaskSpec, length: int, ranges: Sequence[range], rng: Generator
) -> Scalars:
    """The same with another token of its kind at the step."""
    chance = Generator().manual_seed(int(torch.randint(2**62, (), generator=rng)))
    found = [
        _another_token(spec, model, task, length, part[some], chance)
        for part in sample_in_parts(task, length, tuple(ranges), rng)
        for some in blocks(len(part), answered(model, task.signature(length)), PART_VALUES)
    ]
    moved, depends = torch.cat([each for each, _ in found], dim=1), torch.cat([those for _, those in found])
    told = {
        "median_change": estimate(moved.numpy(), median),
        "relevant_share": estimate(depends.double().unsqueeze(0).numpy(), mean),
    }
    if depends.any():
        told["relevant_change"] = estimate(moved[:, depends].numpy(), median)
    return _reading(told)


def _another_token(
    spec: Change, model: Predictor, task: TaskSpec, length: int, batch: Batch, rng: Generator
) -> tuple[Tensor, Tensor]:
    """By how many percent each answer moves, (M, S) float64, and whether it depends on the step, (S,)."""
    signature, index = task.signature(length), spec.index % task.signature(length).length
    batch = about_step(task, batch, index, rng) if signature.several else batch
    selected = SelectedAnswer(signature, signature.length - 1, marked=signature.several)
    shown = batch.inputs.clone()
    shown[:, index] = other_tokens(batch.inputs, task.token_kinds(), rng)[:, index]
    before, after = (selected.number(model(each), batch.targets) for each in (batch.inputs, shown))
    depends = Answers(task, length, batch, selected).relevant[:, index]
    return relative_change(before, after).double().cpu(), depends
