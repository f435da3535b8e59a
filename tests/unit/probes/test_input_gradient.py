"""The probe ``input_gradient`` on instruments whose slopes are known by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.instruments import adder, blind, echo, leaky
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.readings import Curve
from memspan.interfaces.task import TaskSpec
from memspan.probes import measure
from memspan.probes.input_gradient import InputGradient
from memspan.tasks.binary_addition import BinaryAddition
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from tests.unit.probes.answering import together, two_classes

LENGTH = 9
SUM = FirstLast()


def asked(model: Predictor, task: TaskSpec = SUM, length: int = LENGTH, **fields: Any) -> Curve:
    found = measure(InputGradient(**fields), model, task, length, stream(1))
    assert isinstance(found, Curve)
    return found


def one_hot(place: int, length: int = LENGTH) -> list[float]:
    return [float(lag == place) for lag in range(length)]


def test_an_adder_depends_on_its_two_ends_alone_and_finds_the_relevant_steps() -> None:
    found = asked(adder())
    assert found.x == tuple(range(LENGTH))
    assert list(found.y) == [1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert found.scores == {"auc": 1, "auc_low": 1, "auc_high": 1}


@pytest.mark.parametrize("lag", [0, 3, LENGTH - 1])
def test_an_echo_peaks_at_its_lag_and_nowhere_else(lag: int) -> None:
    assert list(asked(echo(lag)).y) == one_hot(lag)


def test_a_blind_model_depends_on_nothing() -> None:
    found = asked(blind())
    assert not any(found.y)
    assert found.scores["auc"] == 0.5


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.9, 1.0])
def test_a_leaky_sum_forgets_by_the_same_share_at_every_step(keep: float) -> None:
    assert list(asked(leaky(keep)).y) == pytest.approx([keep**lag for lag in range(LENGTH)], abs=1e-6)


def test_in_a_classification_it_is_the_slope_of_the_true_class() -> None:
    """p = s(z) with z = ±x0 and x0 = ±1: |dp/dx0| = s(1) s(-1), |d log p/dx0| = s(-1)."""
    model, up = two_classes(lambda x: x[:, 0, 0]), 1 / (1 + math.exp(-1))
    plain = asked(model, Latch(noise=0))
    assert list(plain.y) == pytest.approx([0.0] * (LENGTH - 1) + [up * (1 - up)])
    assert plain.y_unit == "1 per unit of input"
    assert plain.scores["auc"] == 1
    logarithm = asked(model, Latch(noise=0), number="log_probability")
    assert logarithm.y[-1] == pytest.approx(1 - up)
    assert logarithm.y_unit == "nats per unit of input"


def test_any_step_that_is_answered_may_be_looked_at() -> None:
    """Class 1 at step t with the logit a_{t-1} + b_{t-1}: only the pair one step before an answer matters."""
    model = two_classes(lambda x: torch.nn.functional.pad(x.sum(-1), (1, -1)))
    for step, last in ((3, 3), (-1, 8), (None, 8), (0, 0)):
        found = asked(model, BinaryAddition(), 8, step=step)
        assert found.x == tuple(range(last + 1))
        assert [lag for lag, height in enumerate(found.y) if height] == ([1] if last else [])


def test_several_models_give_the_mean_of_their_curves_and_count_themselves() -> None:
    found = asked(together(adder(), echo(0), blind()), sequences=10)
    assert found.n == 3
    assert list(found.y) == pytest.approx([2 / 3, *[0] * (LENGTH - 2), 1 / 3])
    assert (found.low[0], found.high[0]) == (0, 1)
    assert found.scores["auc"] == pytest.approx((1 + 0.75 + 0.5) / 3)
    assert asked(adder(), sequences=10).n == 10


def test_another_output_of_a_regression_may_be_selected() -> None:
    two = Predictor(1, lambda x: torch.stack([x[:, 0, 0], 3 * x[:, -1, 0]], dim=-1).unsqueeze(0))
    assert "output must be at most 0, given 1" in (InputGradient(output=1).objection(SUM, LENGTH) or "")
    assert "output must be at most 0, given 2" in (InputGradient(output=2).objection(Latch(), LENGTH) or "")
    assert asked(two, output=1).y[0] == 3


def test_a_step_without_an_answer_is_refused() -> None:
    objection = InputGradient(step=3).objection(SUM, LENGTH)
    assert objection == "The task first_last is answered at its last step only: step must be 8, given 3."
    assert InputGradient(step=8).objection(SUM, LENGTH) is InputGradient(step=-1).objection(SUM, LENGTH) is None
    assert InputGradient(step=3).objection(BinaryAddition(), LENGTH) is None
    assert InputGradient(step=11).misplaced(LENGTH) == {"step": 11}


def test_more_sequences_than_can_be_held_are_refused() -> None:
    objection = InputGradient(sequences=10_000).objection(SUM, 10_000)
    assert objection is not None
    assert "sequences must be at most 3355, given 10000" in objection
