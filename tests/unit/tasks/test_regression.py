"""One-step regression and its teachers."""

from __future__ import annotations

import math

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.tasks import sample
from memspan.tasks.regression import Regression, tanh_net

VARIANCE = 0.0107


def test_pairs_are_products_of_neighbours_scaled() -> None:
    batch = sample(Regression(), 1, 100, stream(1))
    x = batch.inputs[:, 0]
    assert batch.inputs.shape == (100, 1, 10)
    products = sum(x[:, i] * x[:, i + 1] for i in range(0, 10, 2))
    assert torch.allclose(batch.targets[:, 0], products * math.sqrt(VARIANCE / 5), atol=1e-6)


def test_an_odd_feature_is_left_over() -> None:
    batch = sample(Regression(features=3), 1, 100, stream(2))
    x = batch.inputs[:, 0]
    assert torch.allclose(batch.targets[:, 0], x[:, 0] * x[:, 1] * math.sqrt(VARIANCE), atol=1e-6)


@pytest.mark.parametrize("fields", [{}, {"features": 4, "teacher_seed": 7}, {"teacher_seed": 1}])
def test_a_random_net_is_odd_and_has_the_variance_of_the_pairs(fields: dict[str, int]) -> None:
    """n = 200 000: the variance within 5 standard errors (measured), widened by the .3 % to which it was set."""
    spec = Regression(teacher="tanh_net", **fields)
    batch = sample(spec, 1, 200_000, stream(3))
    squares = batch.targets.double().square()
    assert abs(float(squares.mean()) - VARIANCE) < 5 * float(squares.std()) / math.sqrt(len(squares)) + 0.005 * VARIANCE
    x = batch.inputs[:10, 0]
    assert torch.allclose(tanh_net(spec, x), -tanh_net(spec, -x), atol=1e-6)


def test_a_random_net_is_far_from_linear() -> None:
    """The best linear answer leaves more than a fifth of the variance; a net of small gain would leave none."""
    batch = sample(Regression(teacher="tanh_net"), 1, 20_000, stream(4))
    x, y = batch.inputs[:, 0].double(), batch.targets.double()
    left = y - x @ torch.linalg.lstsq(x, y).solution
    assert float(left.var() / y.var()) > 0.2


def test_another_seed_is_another_teacher_and_the_same_seed_the_same() -> None:
    drawn = [sample(Regression(teacher="tanh_net", teacher_seed=seed), 1, 50, stream(5)).targets for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.allclose(drawn[0], drawn[2])


def test_noise_adds_its_variance_and_its_floor() -> None:
    """n = 40 000 normals: the residual's variance is known to .7 %; bound 4 %, 5.6 standard errors."""
    noisy, plain = (sample(Regression(noise=noise), 1, 40_000, stream(6)) for noise in (0.1, 0.0))
    assert torch.equal(noisy.inputs, plain.inputs)
    assert float((noisy.targets - plain.targets).var()) == pytest.approx(0.01, rel=0.04)
    named = {baseline.name: baseline.value for baseline in Regression(noise=0.1).baselines(1)}
    assert named == pytest.approx({"do_nothing": 0.0207, "noise_floor": 0.01})
    assert Regression().target_variance(1) == VARIANCE


def test_there_is_one_step_and_no_length() -> None:
    assert not Regression.has_length
    assert Regression(features=6).signature(1).channels == 6
    assert Regression().signature(1).length == 1
