"""Peak memory: what grows makes it grow. That it is right is measured by ``python -m benchmarks peak_memory``."""

from __future__ import annotations

from typing import Any

import pytest

from memspan.engine.peak_memory import PROCESS_BYTES
from memspan.engine.placement import place
from memspan.interfaces.model import ModelSpec
from memspan.models.gru import GRU
from memspan.models.mlp import MLP
from memspan.models.tcn import TCN
from memspan.tasks.first_last import FirstLast
from tests.unit.engine.populations import condition


def peak(model: ModelSpec, length: int = 50, **training: Any) -> int:
    return place(condition(model, FirstLast(), length, **training)).peak_bytes


@pytest.mark.parametrize("model", [GRU(hidden_size=4), GRU(hidden_size=100), TCN(), MLP(hidden_size=100)])
def test_longer_sequences_and_larger_sets_and_batches_need_more(model: ModelSpec) -> None:
    small = peak(model)
    assert PROCESS_BYTES < small < peak(model, test_size=100_000)
    assert small < peak(model, 200)
    assert peak(model, test_size=1_000) <= peak(model, test_size=1_000, batch_size=18)


def test_a_set_for_each_repeat_is_held_for_each() -> None:
    model = GRU(hidden_size=4)
    one, each = (peak(model, train_size=10_000, data=data) for data in ("fixed", "per_repeat"))
    assert each > one + 10_000 * 50 * 4
