"""Fused gradients against autograd in float64."""

from __future__ import annotations

from typing import ClassVar, Literal

import pytest
import torch

from memspan.engine.placement import place
from memspan.interfaces.batch import Batch
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.tasks import task
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from tests.contract.variants import named
from tests.unit.engine.fused.cells import furthest, one_step, served

CLOSE = 1e-5
BOTH_WAYS = LSTM(hidden_size=(2, 6), bidirectional=True)


@pytest.mark.parametrize("spec", list(served()), ids=named)
def test_every_cell_s_gradient_is_that_of_float64(spec: ModelSpec) -> None:
    error, loss = furthest(one_step(spec, Latch(noise=0.5), 9, 5))
    assert error < CLOSE
    assert loss < CLOSE


@pytest.mark.parametrize("batch", [1, 16, 33])
@pytest.mark.parametrize("length", [2, 65, 200])
@pytest.mark.parametrize(
    "spec",
    [RNN(hidden_size=1), LSTM(hidden_size=1), GRU(hidden_size=1), RNN(hidden_size=1, activation="relu")],
    ids=named,
)
def test_at_any_length_and_with_lanes_to_spare(spec: ModelSpec, length: int, batch: int) -> None:
    assert furthest(one_step(spec, FirstLast(), length, batch))[0] < CLOSE


@pytest.mark.parametrize("size", [2, 4, 7, 8, 16, 33, 48])
@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_at_any_hidden_size_written_out_or_by_loops(kind: type[ModelSpec], size: int) -> None:
    spec = kind.model_validate({"kind": kind.model_fields["kind"].default, "hidden_size": size})
    assert furthest(one_step(spec, Latch(), 70, 17))[0] < CLOSE


@pytest.mark.parametrize("sizes", [(1, 1), (8, 6), (2, 1, 5)])
@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_of_stacked_layers(kind: type[ModelSpec], sizes: tuple[int, ...]) -> None:
    spec = kind.model_validate({"kind": kind.model_fields["kind"].default, "hidden_size": sizes})
    assert furthest(one_step(spec, FirstLast(), 20, 16))[0] < CLOSE


OPTIONS = [
    LSTM(hidden_size=1, peephole=True), LSTM(hidden_size=5, peephole=True), LSTM(hidden_size=2, open_gates=("o",)),
    LSTM(hidden_size=1, open_gates=("i", "o")), LSTM(hidden_size=1, bidirectional=True),
    GRU(hidden_size=(2, 3), bidirectional=True), LSTM(hidden_size=(6, 9), bidirectional=True, peephole=True),
]  # fmt: skip


@pytest.mark.parametrize("spec", OPTIONS, ids=named)
def test_with_peepholes_open_gates_and_both_directions(spec: ModelSpec) -> None:
    assert place(one_step(spec, FirstLast(), 13, 18)).engine == "fused"
    error, loss = furthest(one_step(spec, FirstLast(), 13, 18))
    assert error < CLOSE
    assert loss < CLOSE


class Everywhere(TaskSpec):
    """Two channels in; an answer of two numbers, or one of three classes, at every step."""

    title: ClassVar[str] = "Everywhere"
    reference: ClassVar[str] = "for tests"
    kind: Literal["everywhere"] = "everywhere"
    classes: bool = False

    def signature(self, length: int) -> Signature:
        problem = Problem.CLASSIFICATION if self.classes else Problem.REGRESSION
        return Signature(length, 2, 3 if self.classes else 2, problem, every_step=True, answer_from=1)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        return (0,)

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        return ()


def everywhere(spec: Everywhere, length: int, count: int, rng: torch.Generator) -> Batch:
    """Numbers and answers that have nothing to do with each other."""
    inputs = torch.randn(count, length, 2, generator=rng)
    if spec.classes:
        return Batch(inputs, torch.randint(0, 3, (count, length), generator=rng))
    return Batch(inputs, torch.randn(count, length, 2, generator=rng))


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task is there while a test runs."""
    monkeypatch.setitem(task._verbs, "everywhere", lambda *given: everywhere(*given[:4]))


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("spec", [RNN(hidden_size=1), GRU(hidden_size=1), LSTM(hidden_size=5), BOTH_WAYS], ids=named)
def test_with_an_answer_at_every_step(spec: ModelSpec, classes: bool) -> None:
    error, loss = furthest(one_step(spec, Everywhere(classes=classes), 11, 18))
    assert error < CLOSE
    assert loss < CLOSE
