"""Probes of sequences of tokens: they find what solvers of known memory use, or say why they are not asked."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from memspan.engine.seeds import stream
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.probe import ProbeSpec
from memspan.interfaces.readings import Curve
from memspan.interfaces.task import TaskSpec
from memspan.probes import measure
from memspan.probes.blinding import Blinding
from memspan.probes.change import Change
from memspan.probes.context import Context
from memspan.probes.input_gradient import InputGradient
from memspan.probes.occlusion import Occlusion
from memspan.tasks.compression import Compression
from memspan.tasks.induction import Induction
from memspan.tasks.memorization import Memorization
from memspan.tasks.recall import Recall
from memspan.tasks.selective_copy import SelectiveCopy

TABLE = Memorization(vocabulary=9)


def says_the_table(inputs: Tensor) -> Tensor:
    """Nearly sure of the value of the key before each step, (1, B, T, 9)."""
    tokens = inputs[..., 0].long()
    before = torch.cat([torch.zeros_like(tokens[:, :1]), tokens[:, :-1]], dim=1).clamp_max(TABLE.keys)
    answers = torch.full((*tokens.shape, 9), 0.01 / 8)
    answers.scatter_(-1, TABLE.table().clamp_min(0)[before].unsqueeze(-1), 0.99)
    return answers.unsqueeze(0)


def curve(spec: ProbeSpec) -> Curve:
    found = measure(spec, Predictor(1, says_the_table), TABLE, 8, stream("probe"))
    assert isinstance(found, Curve)
    return found


@pytest.mark.parametrize("baseline", ["resample", "zero"])
def test_hiding_a_token_costs_where_it_is_what_the_answer_is_made_of(baseline: str) -> None:
    found = curve(Occlusion(baseline=baseline, sequences=200))  # type: ignore[arg-type]
    by_lag = dict(zip(found.x, found.y, strict=True))
    assert by_lag[1] > 1
    assert all(abs(height) < 1e-6 for lag, height in by_lag.items() if lag != 1)


def test_the_effective_context_of_a_table_is_two_steps() -> None:
    assert curve(Context(sequences=200)).scores["effective_context"] == 2


@pytest.mark.parametrize(
    ("spec", "task", "said"),
    [
        (Change(index=0), Induction(), "The probe change works on numbers that steps show, and induction shows tokens"),
        (Blinding(), Induction(), "induction shows tokens"),
        (InputGradient(), Induction(), "a token has no size to change and no gradient"),
        (Occlusion(baseline="mean"), Induction(), "baseline must be resample or zero"),
        (Occlusion(), Recall(), "Answers of the task recall are due at steps that differ by sequence"),
        (Context(step=3), SelectiveCopy(), "step must be one of 28 to 31"),
        (Context(), Compression(), "The task compression asks for 32 answers at its end; context looks at one."),
    ],
)
def test_what_cant_be_asked_of_tokens_says_why(spec: ProbeSpec, task: TaskSpec, said: str) -> None:
    assert said in (spec.refusal(task, 32) or "")


@pytest.mark.parametrize(("task", "length"), [(Induction(), 9), (SelectiveCopy(), 20), (TABLE, 8)])
def test_tasks_whose_last_step_always_asks_take_them(task: TaskSpec, length: int) -> None:
    assert Occlusion().refusal(task, length) is Context().refusal(task, length) is None
