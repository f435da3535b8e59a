"""Instruments that are recurrent networks with weights set by hand."""

from __future__ import annotations

import math

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.instruments import delay_line, gate, leaky, linear, one_unit_map
from memspan.instruments.hand_set import hand_set
from memspan.instruments.linear import CELL

INPUTS = torch.randn(5, 50, 1, generator=stream(1))


def test_a_linear_unit_is_a_leaky_sum() -> None:
    assert torch.allclose(linear(torch.tensor(0.9))(INPUTS), leaky(0.9)(INPUTS), atol=1e-5)


def test_a_linear_map_multiplies_the_column_of_states_by_its_matrix() -> None:
    matrix = torch.tensor([[0.5, 0.3], [-0.2, 0.9]])
    h = torch.zeros(2, 1)
    for x in INPUTS[0, :, 0]:
        h = matrix @ h + x
    assert torch.allclose(linear(matrix)(INPUTS[:1]).flatten(), h[0], atol=1e-5)


def test_a_weight_that_the_network_does_not_have_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"the network has no weights layer0\.biass, but layer0"):
        hand_set(CELL, 1, {"layer0.biass": torch.zeros(1)})


def test_a_delay_line_answers_what_it_was_shown_n_minus_1_steps_ago() -> None:
    assert torch.equal(delay_line(8)(INPUTS), INPUTS[:, 50 - 8].unsqueeze(0))


def test_a_gate_forgets_with_its_bias_alone() -> None:
    keep = 1 / (1 + math.exp(-1))
    assert torch.allclose(gate([1.0])(INPUTS), leaky(keep)(INPUTS), atol=1e-5)
    assert torch.allclose(gate([1.0, 1.0])(INPUTS), 2 * leaky(keep)(INPUTS), atol=1e-5)


def test_the_one_unit_map_goes_its_own_way_whatever_it_is_shown() -> None:
    x = 0.5
    for _ in range(50):
        x = 5.5 / (1 + math.exp(-x)) - 2.4
    assert torch.allclose(one_unit_map()(INPUTS), torch.tensor(1 / (1 + math.exp(-x))), atol=1e-6)
