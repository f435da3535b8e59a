"""Sequences in lanes: where vectors may begin, and nothing lost."""

from __future__ import annotations

import pytest
import torch

from memspan.engine.fused.layout import LANES
from memspan.engine.fused.llvm_types import BYTES
from memspan.engine.fused.sequences import in_lanes
from memspan.experiment.run import run
from memspan.interfaces.batch import Batch


@pytest.mark.parametrize("first", [0, 1, 175])
@pytest.mark.parametrize("count", [16, 32, 89])
@pytest.mark.parametrize("length", [1, 2])
def test_lanes_begin_where_a_vector_may_wherever_in_a_larger_set_they_come_from(
    first: int, count: int, length: int
) -> None:
    inputs, targets = torch.randn(300, length, 1), torch.randn(300, 1)
    found = in_lanes(Batch(inputs[first : first + count], targets[first : first + count]))
    for lanes, own in ((found.inputs, inputs), (found.targets, targets)):
        assert lanes.data_ptr() % BYTES == 0
        flat = lanes.transpose(1, 2).reshape(lanes.shape[0] * LANES, -1)[:count]
        assert torch.equal(flat, own[first : first + count].reshape(count, -1))


@pytest.mark.usefixtures("compiled_loops")
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_sequences_of_one_step_are_trained_and_scored(kind: str) -> None:
    found = run(
        {
            "tasks": [{"kind": "setpoint"}],
            "models": [{"kind": kind, "hidden_size": 16}],
            "lengths": [1],
            "repeats": 2,
            "training": {"epochs": 2, "batch_size": 64, "train_size": 175, "validation_size": 32, "test_size": 89},
        }
    )
    (condition,) = found.document["conditions"]
    assert condition["engine"] == "fused"
    assert 0 < condition["metrics"]["test_loss"]["mean"] < 1
