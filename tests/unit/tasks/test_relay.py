"""The bit relay, value by value."""

from __future__ import annotations

import math

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.tasks import sample
from memspan.tasks.relay import Relay


@pytest.mark.parametrize(("length", "second"), [(2, 1), (5, 2), (10, 5), (11, 5)])
def test_the_first_step_and_the_one_halfway_carry_a_bit_and_the_rest_nothing(length: int, second: int) -> None:
    batch = sample(Relay(noise=0), length, 100, stream(1))
    bits = batch.inputs[:, (0, second), 0]
    assert bits.abs().eq(1).all()
    assert batch.inputs.count_nonzero() == 200
    assert torch.equal(batch.targets, (bits.prod(1) > 0).long())
    assert Relay().relevant_steps(length) == (0, second)


def test_bits_are_independent_and_neither_tells_the_answer() -> None:
    """n = 10 000 coins each: counts within 6 standard deviations of the half, p = 2e-9 each."""
    batch = sample(Relay(), 6, 10_000, stream(2))
    first, second = (batch.inputs[:, step, 0] > 0 for step in (0, 3))
    for count in (first.sum(), second.sum(), batch.targets.sum(), (first == (batch.targets == 1)).sum()):
        assert abs(int(count) - 5_000) < 300


def test_noise_is_added_to_every_step() -> None:
    """n = 4 000 x 10: the deviation of 40 000 normals is known to .35 %; bound 2 %, false alarm 1e-8."""
    inputs = sample(Relay(noise=0.1), 10, 4_000, stream(3)).inputs[..., 0]
    noise = inputs.clone()
    noise[:, (0, 5)] -= inputs[:, (0, 5)].sign()
    assert float(noise.std()) == pytest.approx(0.1, rel=0.02)
    assert (noise.std(0) > 0.09).all()


def test_the_bits_can_be_decoded_from_their_steps_on() -> None:
    batch = sample(Relay(), 7, 50, stream(4))
    hidden = Relay().hidden_variables(batch)
    first, second, same = hidden["first_bit"], hidden["second_bit"], hidden["same_sign"]
    assert torch.equal(first, (batch.inputs[:, :1, 0] > 0).float().expand(50, 7))
    assert second[:, :3].isnan().all()
    assert same[:, :3].isnan().all()
    assert torch.equal(second[:, 3:], (batch.inputs[:, 3:4, 0] > 0).float().expand(50, 4))
    assert torch.equal(same[:, 3:], batch.targets.float().unsqueeze(1).expand(50, 4))
    assert torch.equal(same[:, -1], (first[:, -1] == second[:, -1]).float())


def test_chance_is_a_half_and_doing_nothing_costs_ln_2() -> None:
    named = {baseline.name: baseline.value for baseline in (*Relay().baselines(20), *Relay().tried_out(20))}
    assert named["chance"] == 0.5
    assert named["do_nothing"] == math.log(2)
    assert 0.6 < named["random_guessing"] < 0.82  # one unit gets three of the four cases right at most, and 5 errors
