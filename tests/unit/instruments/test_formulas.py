"""Instruments that are formulas know exactly what they claim to know."""

from __future__ import annotations

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.instruments import adder, blind, echo, leaky

INPUTS = torch.randn(5, 7, 2, generator=stream(1))


def test_the_adder_adds_the_ends() -> None:
    assert torch.equal(adder()(INPUTS), (INPUTS[:, 0] + INPUTS[:, -1]).unsqueeze(0))


@pytest.mark.parametrize("lag", [0, 3, 6])
def test_the_echo_answers_what_it_was_shown_k_steps_ago(lag: int) -> None:
    assert torch.equal(echo(lag)(INPUTS), INPUTS[:, 6 - lag].unsqueeze(0))


def test_the_blind_one_answers_zero() -> None:
    assert torch.equal(blind(3)(INPUTS), torch.zeros(1, 5, 3))


@pytest.mark.parametrize("keep", [0.0, 0.5, -0.9, 1.0])
def test_the_leaky_one_ends_where_its_recurrence_ends(keep: float) -> None:
    h = torch.zeros(5, 2)
    for x in INPUTS.unbind(1):
        h = keep * h + x
    assert torch.allclose(leaky(keep)(INPUTS), h.unsqueeze(0), atol=1e-6)


def test_instruments_are_one_model() -> None:
    assert adder().members == blind().members == echo(1).members == leaky(0.5).members == 1
