"""What every probe of one selected answer is told: how many sequences, and which answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Generator

from memspan.attribution.blocks import too_large
from memspan.attribution.one_answer import differs, one_of_each, only
from memspan.attribution.selected_answer import SelectedAnswer
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Network
from memspan.interfaces.probe import ProbeSpec
from memspan.interfaces.signature import Problem
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import TaskSpec
from memspan.tasks import sample

AnswerStep = Annotated[
    Whole | None,
    Field(
        description="time step of the answer that is looked at, negative ones from the end; null: the last answer, and "
        "where answers are due at steps that differ by sequence one of each sequence's, all equally likely"
    ),
]
SequenceCount = Annotated[Whole, Field(ge=2, le=10_000, description="fresh sequences to ask about")]


class AnswerProbe(ProbeSpec):
    """A probe of one answer of each sequence."""

    sequences: SequenceCount = 100
    step: AnswerStep = None

    def indices(self) -> dict[str, int]:
        return {} if self.step is None else {"step": self.step}

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        signature = task.signature(length)
        if signature.at_end:
            return too_large(task, length, self.sequences)
        if self.step is not None and not signature.every_step and self.step % signature.length != signature.length - 1:
            last = signature.length - 1
            return f"The task {task.kind} is answered at its last step only: step must be {last}, given {self.step}."
        if self.step is not None and signature.places and self._at(task, length) not in (due := task.due_steps(length)):
            where = f"step must be one of {due[0]} to {due[-1]}, or null" if due else "step must be null"
            return f"Answers of the task {task.kind} are due at steps that differ by sequence: {where}."
        return too_large(task, length, self.sequences)

    def select(self, task: TaskSpec, length: int) -> SelectedAnswer:
        """The answer that is looked at."""
        signature = task.signature(length)
        if signature.at_end or (self.step is None and differs(task, length)):
            return SelectedAnswer(signature, signature.length - 1, marked=True)
        return SelectedAnswer(signature, self._at(task, length))

    def drawn(self, task: TaskSpec, length: int, rng: Generator) -> tuple[Batch, SelectedAnswer]:
        """Fresh sequences, and the answer of each that is looked at: of a task that asks for several at its end
        ``step`` is the place that an answer is about."""
        batch, selected = sample(task, length, self.sequences, rng), self.select(task, length)
        if not selected.marked:
            return batch, selected
        if self.step is None:
            return one_of_each(batch, rng), selected
        return only(batch, torch.full((len(batch),), self._at(task, length))), selected

    def _at(self, task: TaskSpec, length: int) -> int:
        """The step that is named, from 0."""
        return (-1 if self.step is None else self.step) % task.signature(length).length


class AnswerGradientProbe(AnswerProbe):
    """A probe that differentiates the answer as one number."""

    number: Annotated[
        Literal["probability", "log_probability"],
        Field(description="of a classification: the true class's probability or its logarithm"),
    ] = "probability"
    output: Annotated[Whole, Field(ge=0, le=4_096, description="of a regression: which of its outputs, from 0")] = 0

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        signature = task.signature(length)
        most = signature.outputs - 1 if signature.problem is Problem.REGRESSION else 0
        if self.output > most:
            return f"The task {task.kind} leaves no such choice: output must be at most {most}, given {self.output}."
        return super().objection(task, length, network)

    def select(self, task: TaskSpec, length: int) -> SelectedAnswer:
        return replace(super().select(task, length), output=self.output, logarithm=self.number == "log_probability")

    def unit(self, task: TaskSpec, length: int) -> str:
        """Of the number."""
        logarithm = task.is_classification(length) and self.number == "log_probability"
        return "nats" if logarithm else "1"
