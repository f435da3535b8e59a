"""Instruments know exactly what they claim to know."""

from __future__ import annotations

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.instruments import adder, blind, echo

INPUTS = torch.randn(5, 7, 2, generator=stream(1))


def test_the_adder_adds_the_ends() -> None:
    assert torch.equal(adder()(INPUTS), (INPUTS[:, 0] + INPUTS[:, -1]).unsqueeze(0))


@pytest.mark.parametrize("lag", [0, 3, 6])
def test_the_echo_answers_what_it_was_shown_k_steps_ago(lag: int) -> None:
    assert torch.equal(echo(lag)(INPUTS), INPUTS[:, 6 - lag].unsqueeze(0))


def test_the_blind_one_answers_zero() -> None:
    assert torch.equal(blind(3)(INPUTS), torch.zeros(1, 5, 3))


def test_instruments_are_one_model() -> None:
    assert adder().members == blind().members == echo(1).members == 1
