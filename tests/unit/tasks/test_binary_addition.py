"""Adding numbers bit by bit, and what windows can reach at it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from memspan.engine.seeds import stream
from memspan.experiment.run import SpecImpossible, parse
from memspan.tasks import sample
from memspan.tasks.binary_addition import BinaryAddition

BITS = [1, 2, 8, 64, 200]
OUT = {
    "000": (0, 0), "001": (1, 0), "010": (1, 0), "011": (0, 1), "100": (1, 0), "101": (0, 1), "110": (0, 1),
    "111": (1, 1),
}  # fmt: skip
"""the full adder: bits a, b and carry in, to sum and carry out"""


def number(bits: Tensor) -> int:
    """Whole number of any size from its bits, the least significant first."""
    return sum(int(bit) << place for place, bit in enumerate(bits.tolist()))


@pytest.mark.parametrize("length", BITS)
def test_the_digits_are_those_of_the_sum_with_its_final_carry(length: int) -> None:
    batch = sample(BinaryAddition(), length, 40, stream(1))
    assert batch.inputs.shape == (40, length + 1, 2)
    assert batch.inputs.unique().tolist() == [0, 1]
    assert not batch.inputs[:, -1].any()
    for pairs, digits in zip(batch.inputs, batch.targets, strict=True):
        assert number(pairs[:, 0]) + number(pairs[:, 1]) == number(digits)


@pytest.mark.parametrize("length", BITS)
def test_sum_and_carry_name_the_digit_and_what_is_handed_on(length: int) -> None:
    plain = sample(BinaryAddition(), length, 40, stream(2))
    both = sample(BinaryAddition(answer="sum_and_carry"), length, 40, stream(2))
    assert torch.equal(plain.inputs, both.inputs)
    assert torch.equal(plain.targets, both.targets % 2)
    carry = BinaryAddition().hidden_variables(both)["carry"]
    assert torch.equal(both.targets // 2, carry.long())
    assert not carry[:, -1].any()
    assert BinaryAddition(answer="sum_and_carry").signature(length).own_states == 2
    assert BinaryAddition(answer="sum_and_carry").signature(length).outputs == 4


def test_every_row_of_the_full_adder_comes_out() -> None:
    batch = sample(BinaryAddition(answer="sum_and_carry"), 12, 200, stream(3))
    seen = {}
    for pairs, classes in zip(batch.inputs.long().tolist(), batch.targets.tolist(), strict=True):
        carry = 0
        for (a, b), told in zip(pairs, classes, strict=True):
            seen[f"{a}{b}{carry}"] = (told % 2, told // 2)
            carry = told // 2
    assert seen == OUT


def test_bits_are_fair_coins_of_their_own() -> None:
    """n = 10 000 pairs: ones in each place within 6 deviations of the half, equal pairs too; p = 2e-9 each."""
    pairs = sample(BinaryAddition(), 5, 10_000, stream(4)).inputs[:, :5]
    assert float((pairs.sum(0) - 5_000).abs().max()) < 300
    assert float(((pairs[..., 0] == pairs[..., 1]).sum(0) - 5_000).abs().max()) < 300


def test_a_carry_comes_in_as_often_as_the_closed_form_says() -> None:
    """P(c_t = 1) = 1/2 - 2^-(t+1), n = 40 000; within 5 standard errors, false alarm 6e-7 each."""
    batch = sample(BinaryAddition(), 10, 40_000, stream(5))
    shares = BinaryAddition().hidden_variables(batch)["carry"][:, :10].double().mean(0)
    for step, share in enumerate(shares.tolist(), start=1):
        expected = 0.5 - 2.0 ** -(step + 1)
        assert abs(share - expected) < 5 * math.sqrt(expected * (1 - expected) / 40_000)


def test_windows_publish_both_metrics_at_every_width() -> None:
    named = {(baseline.name, baseline.metric): baseline.value for baseline in BinaryAddition().baselines(32)}
    assert named["window_4", "test_exact"] == pytest.approx(0.6256, abs=5e-5)
    assert {name for name, _ in named} >= {f"window_{before}" for before in range(9)}
    assert named["chance", "test_exact"] == 2.0**-33
    carried = {(b.name, b.metric): b.value for b in BinaryAddition(answer="sum_and_carry").baselines(32)}
    assert carried["chance", "test_accuracy"] == 0.25
    assert carried["window_4", "test_exact"] == named["window_4", "test_exact"]


def test_one_bit_is_enough_and_none_is_refused() -> None:
    body = {"tasks": [{"kind": "binary_addition"}], "models": [{"kind": "rnn"}]}
    assert parse({**body, "lengths": [1]})
    with pytest.raises(ValueError, match="lengths"):
        parse({**body, "lengths": [0]})
    with pytest.raises(SpecImpossible, match="lengths"):
        parse(body)
