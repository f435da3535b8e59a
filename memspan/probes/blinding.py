"""Blinding: hide one step and see whether the answer follows the other."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.probe import Effort, ProbeSpec
from memspan.interfaces.readings import Scalars
from memspan.interfaces.signature import Problem
from memspan.interfaces.spec import Real, Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.statistics.estimate import estimate, mean
from memspan.tasks import parts, sample_in_parts


class Blinding(ProbeSpec):
    """Set one step to zero and ramp another; report the mean squared distance of the answer from the ramped step.

    A model that adds the two steps scores 0, one that always answers 0 scores .285 on the article's ramp
    0, .1, ... .9. Regressions only.
    """

    title: ClassVar[str] = "Blind one step"
    reference: ClassVar[str] = (
        "dwipam (2021), How Long Dependencies Can LSTM & T-CNN Really Remember?, medium.com/analytics-vidhya"
    )
    not_of_tokens: ClassVar[str] = (
        "an answer can't follow a ramp of them. Ask occlusion, which hides them, or change, which shows others."
    )
    looks_inside: ClassVar[bool] = False
    kind: Literal["blinding"] = "blinding"
    index_off: Annotated[Whole, Field(description="time step set to 0; negative counts from the end")] = 0
    index_on: Annotated[Whole, Field(description="time step that takes the values of the ramp")] = -1
    low: Annotated[Real, Field(ge=-1e6, le=1e6, description="first value of the ramp")] = 0.0
    high: Annotated[Real, Field(ge=-1e6, le=1e6, description="last value of the ramp")] = 0.9
    points: Annotated[Whole, Field(ge=2, le=10_000, description="values of the ramp")] = 10
    sequences: Annotated[
        Whole, Field(ge=1, le=100_000, description="sequences asked; they take the ramp's values in turn")
    ] = 10

    def indices(self) -> dict[str, int]:
        return {"index_off": self.index_off, "index_on": self.index_on}

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        if task.signature(length).problem is not Problem.REGRESSION:
            return f"The probe blinding compares answers with a number, and {task.kind} asks for a class."
        steps = task.signature(length).length
        if self.index_off % steps == self.index_on % steps:
            both = "index_off and index_on name the same step of"
            return f"Of {task.kind}, {both} {steps}: one must be hidden, the other ramped."
        return None

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(answers=self.sequences)


@probe(Blinding)
def measure(spec: Blinding, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Scalars:
    """mean((y - x_on)²) with x[:, index_off] = 0 and x[:, index_on] = x_on.

    Units:
        squared units of the task's answer.

    Source:
        ``blinding()`` of github.com/dwipam/medium-3; its ten sequences and ramp are the defaults.
    """
    ramp = torch.linspace(spec.low, spec.high, spec.points)
    on = ramp.repeat(-(-spec.sequences // spec.points))[: spec.sequences]  # (B,)
    ranges = parts(task, length, spec.sequences)
    drawn = zip(ranges, sample_in_parts(task, length, ranges, rng), strict=True)
    errors = [_errors(spec, model, part.inputs, on[rows.start : rows.stop]) for rows, part in drawn]
    found = estimate(torch.cat(errors, dim=1).numpy(), mean)
    name = "mean_squared_error"
    return Scalars({name: found.value}, {name: found.low}, {name: found.high}, found.n, {name: "1"}, {name: 0.0})


def _errors(spec: Blinding, model: Predictor, inputs: Tensor, on: Tensor) -> Tensor:
    """Squared errors (M, B) float64; the inputs are overwritten."""
    inputs[:, spec.index_off] = 0
    inputs[:, spec.index_on] = on.unsqueeze(-1)
    outputs = model(inputs)  # (M, B, K)
    return (outputs - on.to(outputs.device).unsqueeze(-1)).square().mean(-1).double().cpu()
