"""An optimiser with more slots than any of ours, in both engines: what is generated asks for nothing but its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

import pytest
import torch
from torch import Tensor

from memspan.engine.fused.backend import Fused
from memspan.engine.torch_engine import TorchEngine
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.optimizer import Numbers, OptimizerSpec, Rate, Slots
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.optimizers import optimizer
from tests.unit.engine.fused.fifty_steps import asked, walked


class Yardstick(OptimizerSpec):
    """AMSGrad without corrections, with heavy-ball momentum, whose rate falls with the root of the step."""

    title: ClassVar[str] = "Yardstick"
    reference: ClassVar[str] = "Reddi, Kale & Kumar (2018), ICLR, algorithm 2"
    kind: Literal["yardstick"] = "yardstick"
    learning_rate: Rate = 0.01

    def slots(self) -> tuple[str, ...]:
        return ("mean", "square", "largest", "velocity")

    def of_step(self, step: int, rate: float) -> dict[str, float]:
        return {"rate": rate / step**0.5}


def move(spec: Yardstick, weight: Tensor, gradient: Tensor, slots: Slots, numbers: Numbers) -> None:
    mean, square, largest, velocity = (slots[name] for name in spec.slots())
    mean.mul_(0.9).add_(gradient, alpha=0.1)
    square.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
    torch.maximum(largest, square, out=largest)
    velocity.mul_(0.5).addcdiv_(mean, largest.sqrt().add_(1e-3), value=-numbers["rate"])
    weight.add_(velocity)


@pytest.fixture
def yardstick() -> Iterator[Yardstick]:
    """It is an optimiser for a while; requests know those only that were there when they were described."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("_specs", Yardstick), ("_verbs", move)):
            patch.setitem(getattr(optimizer, name), "yardstick", value)
        yield Yardstick()


@pytest.mark.parametrize("model", [LSTM(hidden_size=1), GRU(hidden_size=16)], ids=["unrolled", "rolled"])
def test_both_engines_remember_four_numbers_of_each_weight(yardstick: Yardstick, model: ModelSpec) -> None:
    condition = asked(model, clip_norm=0.5)
    condition = replace(condition, training=condition.training.model_copy(update={"optimizer": yardstick}))
    fused, eager = (walked(condition, engine)[0] for engine in (Fused, TorchEngine))
    assert (fused - eager).abs().max() < 1e-5
