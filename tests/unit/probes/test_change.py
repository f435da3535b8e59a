"""The probe ``change`` on instruments whose answer is known by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.instruments import adder, blind, echo
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.readings import Scalars
from memspan.interfaces.task import TaskSpec
from memspan.probes import measure
from memspan.probes.change import Change, relative_change
from memspan.tasks import sample
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch

LENGTH = 9
SUM = FirstLast()


def asked(model: Predictor, task: TaskSpec = SUM, seed: int = 1, **fields: Any) -> Scalars:
    found = measure(Change(**fields), model, task, LENGTH, stream(seed))
    assert isinstance(found, Scalars)
    return found


def value(model: Predictor, **fields: Any) -> float:
    return asked(model, **fields).values["median_change"]


@pytest.mark.parametrize("index", [0, -1, 8, -9])
@pytest.mark.parametrize("percent", [50, -50, 10])
def test_an_adder_moves_by_half_for_either_end(index: int, percent: float) -> None:
    """The change is percent x C with C = 1/2 + Cauchy/2, whose density at its median is 2/pi.

    The median of n = 10 000 has standard error percent x pi / (4 sqrt(n)); bound of 5 of them, false alarm 6e-7 a case.
    """
    found = value(adder(), index=index, percent=percent, sequences=10_000)
    assert abs(found - percent / 2) < 5 * abs(percent) * math.pi / (4 * math.sqrt(10_000))


@pytest.mark.parametrize("index", [1, 4, 7, -2, -8])
def test_an_adder_does_not_move_for_any_other_step(index: int) -> None:
    found = asked(adder(), index=index)
    assert found.values["median_change"] == found.low["median_change"] == found.high["median_change"] == 0


def test_an_echo_of_the_last_step_moves_by_all_of_it_and_of_no_other() -> None:
    assert value(echo(0), index=-1, percent=50) == pytest.approx(50, abs=1e-3)
    assert value(echo(0), index=0, percent=50) == 0
    assert value(echo(LENGTH - 1), index=0, percent=50) == pytest.approx(50, abs=1e-3)


def test_a_blind_model_does_not_move_though_its_answer_is_zero() -> None:
    assert value(blind(), index=0) == value(blind(), index=-1) == 0


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """200 questions of n = 400: coverage of a 95 % interval below 88 % (176) has p < 1e-4."""
    held = 0
    for seed in range(200):
        found = asked(adder(), seed=seed, index=0, sequences=400)
        held += found.low["median_change"] <= 25 <= found.high["median_change"]
    assert held >= 176


def test_the_interval_narrows_with_more_sequences() -> None:
    widths = []
    for sequences in (200, 20_000):
        found = asked(adder(), index=0, sequences=sequences)
        widths.append(found.high["median_change"] - found.low["median_change"])
    assert widths[1] < widths[0] / 4


def test_one_model_counts_sequences_and_several_count_models() -> None:
    assert asked(adder(), sequences=77).n == 77
    three = Predictor(3, lambda inputs: adder().answer(inputs) * torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1))
    assert asked(three, sequences=77).n == 3


def test_with_several_models_the_value_is_the_mean_of_their_medians() -> None:
    both = Predictor(2, lambda inputs: torch.cat([adder().answer(inputs), blind().answer(inputs)]))
    found = asked(both, index=0, sequences=500)
    assert found.values["median_change"] == pytest.approx(value(adder(), index=0, sequences=500) / 2)
    assert found.low["median_change"] == 0


def test_a_diverged_model_is_left_out() -> None:
    both = Predictor(2, lambda inputs: torch.cat([adder().answer(inputs), blind().answer(inputs) * torch.nan]))
    found = asked(both, index=0, sequences=500)
    assert found.n == 1
    assert found.values["median_change"] == value(adder(), index=0, sequences=500)


def test_in_a_classification_the_answer_is_the_probability_of_the_true_class() -> None:
    """A model that gives class 1 the probability s(x_0): scaling x_0 by 1.5 changes p(true) by a known ratio."""
    sigmoid = Predictor(
        1, lambda x: torch.stack([torch.sigmoid(-x[:, 0, 0]), torch.sigmoid(x[:, 0, 0])], -1).unsqueeze(0)
    )
    task = Latch(noise=0)
    before, after = 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(-1.5))
    found = asked(sigmoid, task, index=0, percent=50).values["median_change"]
    assert found == pytest.approx(100 * (after - before) / before, rel=1e-4)
    assert asked(sigmoid, task, index=3).values["median_change"] == 0


def test_the_sequences_asked_about_are_drawn_from_the_stream() -> None:
    """What is asked follows from the generator: by hand on the same draw, the same median."""
    inputs = sample(FirstLast(), LENGTH, 300, stream(1)).inputs[..., 0]
    ratio = 100 * 0.5 * inputs[:, 0] / (inputs[:, 0] + inputs[:, -1])
    assert value(adder(), index=0, sequences=300) == pytest.approx(float(ratio.double().quantile(0.5)), rel=1e-3)


def test_relative_change_of_nothing_is_zero_and_from_zero_is_endless() -> None:
    before, after = torch.tensor([0.0, 2.0, 0.0, torch.nan]), torch.tensor([0.0, 3.0, 1.0, torch.nan])
    found = relative_change(before, after)
    assert found[:3].tolist() == [0.0, 50.0, math.inf]
    assert found[3].isnan()
