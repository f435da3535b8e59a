"""The probe ``occlusion`` on instruments whose losses are known by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from memspan.engine.seeds import stream
from memspan.instruments import adder, blind, echo
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.readings import Curve
from memspan.interfaces.task import TaskSpec
from memspan.probes import measure
from memspan.probes.occlusion import Occlusion, windows
from memspan.tasks import sample
from memspan.tasks.binary_addition import BinaryAddition
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from tests.unit.probes.answering import diverged, together, two_classes
from tests.unit.probes.untrained import untrained

LENGTH = 8
SUM = FirstLast()
SHOWN = sample(SUM, LENGTH, 100, stream(1)).inputs[..., 0]
"""what the probe draws by default"""


def asked(model: Predictor, task: TaskSpec = SUM, length: int = LENGTH, **fields: Any) -> Curve:
    found = measure(Occlusion(**fields), model, task, length, stream(1))
    assert isinstance(found, Curve)
    return found


def test_hiding_an_end_from_an_adder_costs_the_square_of_what_it_held() -> None:
    squares = SHOWN.square().mean(0)
    found = asked(adder(), baseline="zero")
    assert list(found.y) == pytest.approx([float(squares[-1]), *[0] * (LENGTH - 2), float(squares[0])], abs=1e-6)
    assert found.scores["auc"] == 1


def test_the_mean_stands_for_a_step_that_tells_nothing() -> None:
    variances = SHOWN.var(0, correction=0)
    found = asked(adder(), baseline="mean")
    assert found.y[0] == pytest.approx(float(variances[-1]), rel=1e-5)
    assert found.y[-1] == pytest.approx(float(variances[0]), rel=1e-5)
    assert found.y[1:-1] == pytest.approx([0] * (LENGTH - 2), abs=1e-6)


def test_another_sequence_s_value_is_wrong_twice_over() -> None:
    """E (x - x')^2 = 2 with standard deviation sqrt(8): 5 standard errors of n = 4 000, false alarm 6e-7."""
    found = asked(adder(), sequences=4_000)
    for place in (0, -1):
        assert abs(found.y[place] - 2) < 5 * math.sqrt(8 / 4_000)
    assert not any(found.y[1:-1])


def test_a_blind_model_loses_nothing() -> None:
    found = asked(blind())
    assert not any(found.y)
    assert found.scores["auc"] == 0.5


@pytest.mark.parametrize("lag", [0, 3, LENGTH - 1])
def test_an_echo_s_answer_moves_at_its_lag_alone(lag: int) -> None:
    found = asked(echo(lag), of="answer", baseline="zero")
    height = float(SHOWN[:, LENGTH - 1 - lag].abs().mean())
    assert list(found.y) == pytest.approx([height * (at == lag) for at in range(LENGTH)], rel=1e-5)


def test_a_step_in_several_windows_gets_their_mean() -> None:
    """Windows 0-2, 2-4, 4-6 and 6-7 of 8 steps; an echo of step 2 moves in the first two alone."""
    assert [(each.start, each.stop) for each in windows(8, 3, 2)] == [(0, 3), (2, 5), (4, 7), (6, 8)]
    height = float(SHOWN[:, 2].abs().mean())
    found = asked(echo(5), of="answer", baseline="zero", window=3, stride=2)
    by_step = list(found.y)[::-1]
    assert by_step == pytest.approx([height, height, height, height, height / 2, 0, 0, 0], rel=1e-5)


@pytest.mark.parametrize(
    ("steps", "window", "stride", "count"), [(8, 8, 8, 1), (8, 1, 1, 8), (9, 4, 3, 3), (5, 2, 2, 3)]
)
def test_windows_cover_every_step(steps: int, window: int, stride: int, count: int) -> None:
    places = windows(steps, window, stride)
    assert len(places) == count
    assert sorted({step for place in places for step in range(place.start, place.stop)}) == list(range(steps))


def test_a_classification_loses_logarithms_of_the_true_class() -> None:
    """p(true) = s(1) with the bit shown, 1/2 with a zero in its place."""
    model, up = two_classes(lambda x: x[:, 0, 0]), 1 / (1 + math.exp(-1))
    loss = asked(model, Latch(noise=0), baseline="zero")
    assert loss.y[-1] == pytest.approx(math.log(up / 0.5), rel=1e-5)
    assert loss.y_unit == "nats"
    answer = asked(model, Latch(noise=0), baseline="zero", of="answer")
    assert answer.y[-1] == pytest.approx(up - 0.5, rel=1e-5)


def test_sorted_classes_are_mixed_before_they_stand_for_each_other() -> None:
    """Another sequence's bit is the other one half of the time: 5 standard errors of n = 2 000, false alarm 6e-7."""
    model = two_classes(lambda x: 100 * x[:, 0, 0])
    found = asked(model, Latch(noise=0, variant="as_published"), of="answer", sequences=2_000)
    assert abs(found.y[-1] - 0.5) < 5 * 0.5 / math.sqrt(2_000)


def test_an_answer_in_the_middle_depends_on_what_came_before() -> None:
    model = two_classes(lambda x: torch.nn.functional.pad(x.sum(-1), (2, -2)))
    found = asked(model, BinaryAddition(), step=5, of="answer")
    assert [lag for lag, height in enumerate(found.y) if height] == [2]
    assert found.scores["auc"] is None


def test_every_window_is_asked_as_if_it_were_alone() -> None:
    model, batch = untrained(SUM, LENGTH, members=3, hidden_size=2), sample(SUM, LENGTH, 100, stream(1))
    found = asked(model, baseline="zero", of="answer")
    for lag in (0, 4, LENGTH - 1):
        hidden = batch.inputs.clone()
        hidden[:, LENGTH - 1 - lag] = 0
        moved = (model(hidden) - model(batch.inputs)).abs().mean()
        assert found.y[lag] == pytest.approx(float(moved), rel=1e-4)


def test_several_models_are_counted_and_a_diverged_one_is_not() -> None:
    found = asked(together(adder(), blind(), diverged()), baseline="zero", sequences=100)
    assert found.n == 2
    assert found.y[0] == pytest.approx(float(SHOWN[:, -1].square().mean()) / 2, rel=1e-5)
    assert found.scores["auc"] == pytest.approx(0.75)


def test_gaps_between_windows_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"stride must be at most window, 2, .* given 3"):
        Occlusion(window=2, stride=3)


def test_a_window_longer_than_the_sequence_is_refused() -> None:
    objection = Occlusion(window=9).objection(SUM, LENGTH)
    assert objection == "The task first_last has 8 steps here: window must be at most 8, given 9."
    assert Occlusion(window=9).objection(BinaryAddition(), LENGTH) is None
