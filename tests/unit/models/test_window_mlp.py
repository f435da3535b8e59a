"""The window perceptron: what it sees, and that nothing better can be made of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.run import parse
from memspan.interfaces.signature import Problem, Signature
from memspan.models import build
from memspan.models.window_mlp import WindowMLP, windows
from tests.unit.models.networks import members, regression, sequences


def test_windows_hold_earlier_steps_with_flags_and_then_the_present_one() -> None:
    inputs = torch.tensor([[[[1.0], [2.0], [3.0]]]])
    assert windows(inputs, 0).tolist() == [[[[1.0], [2.0], [3.0]]]]
    assert windows(inputs, 2).tolist() == [[[[0, 1, 0, 1, 1], [0, 1, 1, 0, 2], [1, 0, 2, 0, 3]]]]


def test_it_is_the_same_net_at_every_step() -> None:
    task = regression(9, channels=2, outputs=3, every_step=True)
    network = build(WindowMLP(window=3, hidden_size=(5, 4)), task)
    weights, inputs = members(network, 2), sequences(task, 3, 2)
    found = network.forward(weights, inputs)
    last = build(WindowMLP(window=3, hidden_size=(5, 4)), replace(task, every_step=False))
    for step in range(9):
        alone = last.forward(weights, inputs[:, :, : step + 1])
        assert torch.allclose(found[:, :, step], alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("window", [0, 1, 4])
def test_its_weights_grow_with_the_window(window: int) -> None:
    task = Signature(9, 2, 2, Problem.CLASSIFICATION, every_step=True)
    network = build(WindowMLP(window=window, hidden_size=16), task)
    assert network.receptive_field == window + 1
    assert network.parameters == 16 * (2 * (window + 1) + window + 1) + 2 * 17
    assert network.multiplications == 9 * (16 * (2 * (window + 1) + window) + 2 * 16)


def test_a_window_longer_than_the_sequence_sees_all_of_it() -> None:
    task = regression(4)
    network = build(WindowMLP(window=9), task)
    inputs = sequences(task).requires_grad_()
    (slopes,) = torch.autograd.grad(network.forward(members(network), inputs).sum(), inputs)
    assert (slopes.abs() > 0).all()


def test_a_plan_warns_of_a_window_that_is_shorter_than_the_sequence() -> None:
    body = {"tasks": [{"kind": "latch"}], "lengths": [2, 4, 8], "repeats": 10}
    short = plan(Placements(parse({**body, "models": [{"kind": "window_mlp", "window": 4}]})))
    assert [each["code"] for each in short.warnings] == ["receptive_field"]
    assert "5 steps is shorter than length 8" in short.warnings[0]["message"]
    assert plan(Placements(parse({**body, "models": [{"kind": "window_mlp", "window": 7}]}))).warnings == ()


BITS = 6
EXACT = (0.6417, 0.8560, 0.9453, 0.9810, 0.9944, 0.9989, 1.0)
"""best share of right digits with k previous pairs, of two operands of 6 bits, the final carry included"""


def additions() -> tuple[Tensor, Tensor]:
    """All pairs of 6-bit numbers, least significant bit first: (N, 7, 2) and the bits of their sums (N, 7)."""
    numbers = torch.tensor(list(product(range(2**BITS), repeat=2)))
    places = torch.arange(BITS + 1)
    return (numbers[:, None, :] >> places[:, None] & 1).double(), numbers.sum(1, keepdim=True) >> places & 1


@pytest.mark.parametrize("window", range(BITS + 1))
def test_what_it_sees_of_an_addition_allows_the_exact_ceiling_and_no_more(window: int) -> None:
    """The likeliest bit of each different window, over all 4 096 additions."""
    pairs, bits = additions()
    ones: dict[tuple[float, ...], list[int]] = defaultdict(lambda: [0, 0])
    for seen, bit in zip(windows(pairs[None], window)[0].flatten(0, 1).tolist(), bits.flatten().tolist(), strict=True):
        ones[tuple(seen)][bit] += 1
    found = sum(max(counts) for counts in ones.values()) / bits.numel()
    assert found == pytest.approx(EXACT[window], abs=5e-5)
