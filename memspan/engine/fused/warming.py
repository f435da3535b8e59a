"""Warming: the usual loops are compiled, or loaded from disk, before the first run waits for them."""

from __future__ import annotations

from collections.abc import Sequence

from memspan.engine.condition import Condition
from memspan.engine.fused.scope import takes, works
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.task import TaskSpec
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.tasks.latch import Latch
from memspan.training import Training

USUAL: Sequence[ModelSpec] = (
    RNN(hidden_size=1), LSTM(hidden_size=1), GRU(hidden_size=1), RNN(), LSTM(), GRU(),
)  # fmt: skip
LATCH = Latch()


def warm(models: Sequence[ModelSpec] = USUAL, task: TaskSpec = LATCH) -> int:
    """Make the loops of some models for a task ready in this process; how many models the fused engine serves."""
    return sum(_ready(_usual(model, task)) for model in models)


def acquaint() -> None:
    """Find out what the fused engine takes on here, so that the first plan of a process need not wait for it."""
    for model in USUAL:
        condition = _usual(model, LATCH)
        takes(condition.network(), condition.signature)


def _usual(model: ModelSpec, task: TaskSpec) -> Condition:
    return Condition(task, model, task.minimum_length, Training(), seed=0)


def _ready(condition: Condition) -> bool:
    if not works() or not takes(condition.network(), condition.signature):
        return False
    from memspan.engine.fused.backend import loaded
    from memspan.engine.fused.program import program

    loaded(program(condition))
    return True
