"""Adam where squares of gradients are 0, tiny or beyond all bounds."""

from __future__ import annotations

import math

import pytest
import torch

from memspan.engine.mover import Mover, slots
from memspan.engine.weight_rows import Stretch
from memspan.training import Training


def moved(gradient: float) -> float:
    """How far the first step moves a weight; exactly its learning rate where epsilon is nothing beside the gradient."""
    weights = torch.zeros(1, 1)
    training = Training()
    Mover(training, slots(training, weights)).move(weights, [Stretch(0, torch.full((1, 1), gradient))], 1)
    return float(weights)


def test_a_weight_without_gradient_stays_where_it_is() -> None:
    assert moved(0.0) == 0.0


@pytest.mark.parametrize("gradient", [1e-18, 1e-21, 1e-30])
def test_a_gradient_far_below_epsilon_moves_a_weight_no_further_than_epsilon_lets_it(gradient: float) -> None:
    rate = 1e-3 * math.sqrt(1 - 0.999) / (1 - 0.9)
    assert moved(gradient) == pytest.approx(-rate * 0.1 * gradient / 1e-7, rel=1e-3)


@pytest.mark.parametrize("gradient", [-3.0, 1.0, 1e9])
def test_the_first_step_is_as_long_as_the_learning_rate(gradient: float) -> None:
    assert moved(gradient) == pytest.approx(-math.copysign(1e-3, gradient), rel=1e-5)


def test_a_gradient_without_bounds_is_seen_as_such() -> None:
    assert math.isnan(moved(math.inf))
