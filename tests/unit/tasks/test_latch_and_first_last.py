"""The two tasks of the source articles, value by value."""

from __future__ import annotations

import math

import pytest
import torch

from memspan.engine.condition import Condition
from memspan.engine.datasets import split
from memspan.engine.seeds import stream
from memspan.models.rnn import RNN
from memspan.tasks import sample
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from memspan.training import Training


def test_the_first_step_of_a_latch_carries_the_bit_and_the_rest_is_noise() -> None:
    """n = 5 000 x 30: the deviation of 150 000 normals is known to .2 %; bound 2 % = 10 standard errors."""
    batch = sample(Latch(noise=0.1), 30, 5_000, stream(1))
    noise = batch.inputs[..., 0].clone()
    noise[:, 0] -= 2.0 * batch.targets - 1.0
    assert float(noise.std()) == pytest.approx(0.1, rel=0.02)
    assert abs(float(noise.mean())) < 5 * 0.1 / math.sqrt(noise.numel())
    assert abs(float(noise[:, 0].std()) - 0.1) < 0.01


def test_corrected_labels_are_drawn_one_by_one() -> None:
    """n = 10 000 coins: within 6 standard deviations of the half (p = 2e-9), and in no order (runs test, 6 sd)."""
    labels = sample(Latch(), 2, 10_000, stream(2)).targets
    assert abs(int(labels.sum()) - 5_000) < 300
    assert abs(int((labels[1:] != labels[:-1]).sum()) - 5_000) < 300


def test_without_noise_the_latch_is_exact() -> None:
    batch = sample(Latch(noise=0), 5, 50, stream(3))
    assert torch.equal(batch.inputs[:, 0, 0], 2.0 * batch.targets - 1.0)
    assert not batch.inputs[:, 1:].any()


def test_published_order_leaves_a_validation_set_of_negatives_only() -> None:
    """5 000 positive and 3 000 negative to train, 0 and 2 000 to validate; the test set holds both."""
    condition = Condition(Latch(variant="as_published"), RNN(hidden_size=1), 2, Training(), seed=1)
    data = split(condition)
    assert torch.bincount(data.train.targets).tolist() == [3_000, 5_000]
    assert torch.bincount(data.validation.rows(0, len(data.validation)).targets, minlength=2).tolist() == [2_000, 0]
    assert torch.bincount(data.test.rows(0, len(data.test)).targets).tolist() == [5_000, 5_000]


@pytest.mark.parametrize(
    ("length", "accuracy"),
    [(10, 0.9992), (20, 0.9873), (30, 0.9661), (50, 0.9214), (100, 0.8413), (200, 0.7602), (500, 0.6726)],
)
def test_the_linear_integrator_scores_what_the_normal_tail_says(length: int, accuracy: float) -> None:
    named = {baseline.name: baseline.value for baseline in Latch().baselines(length)}
    assert named["linear_integrator"] == pytest.approx(accuracy, abs=6e-5)
    assert named["chance"] == 0.5


def test_the_linear_integrator_scores_that_on_drawn_sequences() -> None:
    """n = 20 000 at T = 50: bound of 5 standard errors, p = 6e-7."""
    batch = sample(Latch(), 50, 20_000, stream(4))
    right = ((batch.inputs.sum((1, 2)) > 0).long() == batch.targets).double().mean()
    expected = Latch().baselines(50)[1].value
    assert abs(float(right) - expected) < 5 * math.sqrt(expected * (1 - expected) / 20_000)


def test_a_latch_without_noise_is_perfect_for_the_integrator() -> None:
    assert Latch(noise=0).baselines(10)[1].value == 1.0


def test_first_and_last_add_up_to_the_target_exactly() -> None:
    batch = sample(FirstLast(), 9, 100, stream(5))
    assert torch.equal(batch.targets, batch.inputs[:, 0] + batch.inputs[:, -1])


def test_first_and_last_baselines_are_two_and_one() -> None:
    """Losses of answering 0, and of the last step alone, on n = 40 000; 5 standard errors (x² has deviation sqrt 2)."""
    batch = sample(FirstLast(), 9, 40_000, stream(6))
    named = {baseline.name: baseline.value for baseline in FirstLast().baselines(9)}
    nothing = float(batch.targets.square().mean())
    last_only = float((batch.targets - batch.inputs[:, -1]).square().mean())
    assert abs(nothing - named["do_nothing"]) < 5 * 2 * math.sqrt(2 / 40_000)
    assert abs(last_only - named["last_step_only"]) < 5 * math.sqrt(2 / 40_000)


def test_the_bit_of_a_latch_can_be_decoded_at_every_step() -> None:
    batch = sample(Latch(), 4, 10, stream(7))
    assert torch.equal(Latch().hidden_variables(batch)["bit"], batch.targets.float().unsqueeze(1).expand(10, 4))
