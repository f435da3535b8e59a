"""Delay: the first number through noise."""

from __future__ import annotations

import math

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.tasks import sample
from memspan.tasks.delay import Delay


@pytest.mark.parametrize("values", ["normal", "uniform"])
def test_the_answer_is_the_first_number_and_the_others_are_noise_of_the_given_deviation(values: str) -> None:
    """n = 20 000 x 9: variances within 2 % (5 standard errors of the first step's, false alarm 6e-7 or less)."""
    batch = sample(Delay(values=values, distractors=0.5), 10, 20_000, stream(1))
    assert torch.equal(batch.targets, batch.inputs[:, 0])
    assert float(batch.inputs[:, 0].var()) == pytest.approx(1, rel=0.05)
    assert float(batch.inputs[:, 1:].var()) == pytest.approx(0.25, rel=0.02)
    if values == "uniform":
        assert float(batch.inputs[:, 0].abs().max()) <= math.sqrt(3)


def test_without_distractors_the_line_is_silent() -> None:
    assert not sample(Delay(distractors=0), 6, 10, stream(2)).inputs[:, 1:].any()


@pytest.mark.parametrize(("length", "distractors"), [(10, 1.0), (30, 0.1), (5, 0.0)])
def test_the_best_multiple_of_the_sum_scores_the_integrator_s_error(length: int, distractors: float) -> None:
    """n = 40 000: within 5 standard errors (measured), false alarm 6e-7 each."""
    spec = Delay(distractors=distractors)
    batch = sample(spec, length, 40_000, stream(3))
    total = batch.inputs.sum(1).double()
    errors = (batch.targets - total / (1 + distractors**2 * (length - 1))).square()
    expected = {baseline.name: baseline.value for baseline in spec.baselines(length)}["linear_integrator"]
    assert abs(float(errors.mean()) - expected) < 5 * float(errors.std()) / 200 + 1e-9


def test_the_first_number_can_be_decoded_at_every_step() -> None:
    batch = sample(Delay(), 4, 10, stream(4))
    assert torch.equal(Delay().hidden_variables(batch)["first"], batch.targets.expand(10, 4))
