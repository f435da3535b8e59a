"""Weights without a gradient."""

from __future__ import annotations

import pytest
import torch

from memspan.engine.mover import completed, rests
from memspan.engine.weight_rows import Stretch
from memspan.interfaces.optimizer import OptimizerSpec
from memspan.optimizers.adam import Adam
from memspan.optimizers.adamw import AdamW
from memspan.optimizers.nadam import NAdam
from memspan.optimizers.rmsprop import RMSprop
from memspan.optimizers.sgd import SGD


@pytest.mark.parametrize(
    "spec", [Adam(), NAdam(), RMSprop(momentum=0.9), SGD(momentum=0.9, nesterov=True), AdamW(weight_decay=0.0)], ids=str
)
def test_a_rule_that_only_follows_gradients_lets_weights_rest(spec: OptimizerSpec) -> None:
    assert rests(spec)


def test_a_rule_that_shrinks_weights_does_not() -> None:
    assert not rests(AdamW(learning_rate=1e-6, weight_decay=1e-6))


def test_what_lies_between_pieces_is_filled_with_zeros() -> None:
    weights = torch.ones(2, 9)
    stretches = [Stretch(1, torch.ones(2, 2)), Stretch(3, torch.ones(2, 1)), Stretch(6, torch.ones(2, 1))]
    found = completed(stretches, weights)
    assert [stretch.first for stretch in found] == [0, 1, 3, 4, 6, 7]
    assert torch.cat([stretch.values for stretch in found], 1)[0].tolist() == [0, 1, 1, 1, 0, 0, 1, 0, 0]


def test_whole_rows_are_left_as_they_are() -> None:
    stretches = [Stretch(0, torch.ones(2, 4))]
    assert completed(stretches, torch.ones(2, 4)) == stretches


def test_without_any_piece_everything_is_filled() -> None:
    (stretch,) = completed([], torch.ones(2, 4))
    assert (stretch.first, stretch.values.tolist()) == (0, [[0.0] * 4] * 2)
