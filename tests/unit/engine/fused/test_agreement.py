"""The two engines, step by step and to the end."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from memspan.engine.condition import Condition
from memspan.engine.datasets import split
from memspan.engine.denormals import denormals_flushed
from memspan.engine.events import Finished
from memspan.engine.fused.backend import Fused
from memspan.engine.placement import place
from memspan.engine.scoring import Scoring
from memspan.engine.state import Backend
from memspan.engine.torch_engine import TorchEngine
from memspan.engine.trainer import Trainer
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.schedule import Schedule
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.optimizers.adam import Adam
from memspan.optimizers.rmsprop import RMSprop
from memspan.optimizers.sgd import SGD
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from memspan.training import Training
from tests.unit.engine.fused.cells import start, state
from tests.unit.engine.fused.fifty_steps import SIZES, asked, walked

HOW: dict[str, dict[str, Any]] = {
    "adam": {"optimizer": Adam(learning_rate=0.01)},
    "adam, decay, clipping, halving": {
        "optimizer": Adam(learning_rate=0.02), "weight_decay": 0.1, "clip_norm": 0.05, "halve_every": 9,
    },
    "adam, cosine, warm-up": {
        "optimizer": Adam(learning_rate=0.02), "schedule": Schedule(kind="cosine", warm_up=0.2), "weight_decay": 0.1,
    },
    "rmsprop": {"optimizer": RMSprop(), "data": "per_repeat"},
    "rmsprop with momentum": {"optimizer": RMSprop(momentum=0.8), "data": "fresh"},
    "sgd": {"optimizer": SGD(learning_rate=0.1), "weight_decay": 0.05},
    "momentum": {"optimizer": SGD(learning_rate=0.05, momentum=0.9), "clip_norm": 0.1},
    "nesterov": {"optimizer": SGD(learning_rate=0.05, momentum=0.9, nesterov=True), "data": "fresh"},
}  # fmt: skip


@pytest.mark.parametrize("how", HOW)
def test_fifty_steps_of_every_optimizer_are_the_same(how: str) -> None:
    condition = asked(LSTM(hidden_size=1), **HOW[how])
    fused, sums = walked(condition, Fused)
    eager, wanted = walked(condition, TorchEngine)
    assert (fused - eager).abs().max() < 1e-4
    for mine, its in zip(sums, wanted, strict=True):
        assert torch.allclose(mine, its, rtol=1e-4)


@pytest.mark.parametrize(
    "spec", [RNN(hidden_size=1), GRU(hidden_size=1), LSTM(hidden_size=8), GRU(hidden_size=(3, 5)), RNN(hidden_size=16)]
)
def test_fifty_steps_of_every_size_are_the_same(spec: ModelSpec) -> None:
    fused, _ = walked(asked(spec), Fused)
    eager, _ = walked(asked(spec), TorchEngine)
    assert (fused - eager).abs().max() < 1e-4


@pytest.mark.parametrize("task", [Latch(noise=0.3), FirstLast()])
def test_scores_of_one_set_of_weights_are_the_same(task: Latch | FirstLast) -> None:
    condition = Condition(task, LSTM(hidden_size=(2, 5)), 30, Training(**SIZES), seed=3)
    rows = start(condition, members=5)
    population, other = state(condition, rows), state(condition, rows)
    with denormals_flushed():
        mine = scored(Fused(condition, range(5), population), rows, condition)
        its = scored(TorchEngine(condition, range(5), other, torch.device("cpu")), rows, condition)
    assert mine.keys() == its.keys()
    for name, values in mine.items():
        assert values == pytest.approx(its[name], rel=1e-5)


def scored(backend: Backend, rows: Tensor, condition: Condition) -> dict[str, list[float]]:
    """The metrics of the test set."""
    scoring = Scoring(condition.signature, len(rows), rows.device)
    while scoring.go_on(backend, rows, split(condition).test):
        pass
    return scoring.done()


def ended(engine: Any) -> list[float]:
    """Test losses of 24 runs that learn a short latch."""
    training = Training(batch_size=16, train_size=800, validation_size=16, test_size=400, epochs=3,
                        optimizer=Adam(learning_rate=0.02))  # fmt: skip
    condition = Condition(Latch(), GRU(hidden_size=1), 5, training, seed=8)
    trainer = Trainer(place(condition, engine=engine), range(24))
    outcomes = next(event for event in trainer.events() if isinstance(event, Finished)).outcomes
    assert trainer.engine == engine
    return [outcome.metrics["test_loss"] for outcome in outcomes.values()]


def test_both_engines_end_alike() -> None:
    """Paired by seed, n = 24: the mean difference is within 5 standard errors (false alarms below 1e-4), or tiny."""
    fused, torch_ = torch.tensor(ended("fused")), torch.tensor(ended("torch"))
    difference = fused - torch_
    assert abs(difference.mean()) < 5 * difference.std() / 24**0.5 + 1e-3
    assert abs(fused.mean() - torch_.mean()) < 0.1 * torch_.mean()
