"""The probe ``blinding`` on instruments whose answer is known by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.instruments import adder, blind, echo
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.readings import Scalars
from memspan.probes import measure
from memspan.probes.blinding import Blinding
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch


def asked(model: Predictor, length: int = 9, **fields: Any) -> Scalars:
    found = measure(Blinding(**fields), model, FirstLast(), length, stream(1))
    assert isinstance(found, Scalars)
    return found


def error(model: Predictor, **fields: Any) -> float:
    return asked(model, **fields).values["mean_squared_error"]


def test_an_adder_makes_no_error_on_either_end() -> None:
    assert error(adder()) == 0
    assert error(adder(), index_off=-1, index_on=0) == 0


def test_a_blind_model_scores_the_mean_square_of_the_ramp() -> None:
    """(0² + .1² + ... + .9²) / 10 = .285."""
    assert error(blind()) == pytest.approx(0.285, abs=1e-6)
    assert error(blind(), sequences=500) == pytest.approx(0.285, abs=1e-6)


def test_a_model_that_knows_only_the_hidden_step_scores_the_same_floor() -> None:
    assert error(echo(8)) == pytest.approx(0.285, abs=1e-6)
    assert error(echo(0)) == 0


def test_the_ramp_may_be_any_grid() -> None:
    assert error(blind(), low=-2, high=2, points=5, sequences=5) == pytest.approx(2.0, abs=1e-6)
    assert error(blind(), low=-2, high=2, points=5, sequences=3) == pytest.approx((4 + 1 + 0) / 3, abs=1e-6)


def test_only_the_two_steps_are_touched() -> None:
    seen: list[torch.Tensor] = []

    def watching(inputs: torch.Tensor) -> torch.Tensor:
        seen.append(inputs)
        return torch.zeros(1, len(inputs), 1)

    asked(Predictor(1, watching), index_off=2, index_on=-3)
    (inputs,) = seen
    assert not inputs[:, 2].any()
    assert torch.allclose(inputs[:, -3, 0], torch.linspace(0, 0.9, 10))
    assert inputs[:, [0, 1, 3, 4, 5, 7, 8]].abs().min() > 0


def test_its_interval_and_ideal_come_with_it() -> None:
    found = asked(blind())
    name = "mean_squared_error"
    assert found.low[name] <= found.values[name] <= found.high[name]
    assert found.baseline == {name: 0.0}
    assert found.n == 10


def test_a_diverged_model_is_left_out() -> None:
    both = Predictor(2, lambda inputs: torch.cat([blind().answer(inputs), blind().answer(inputs) / 0]))
    assert asked(both).values["mean_squared_error"] == pytest.approx(0.285, abs=1e-6)
    assert asked(both).n == 1


def test_it_is_for_regressions_only() -> None:
    assert Blinding().objection(FirstLast(), 5) is None
    assert "latch" in (Blinding().objection(Latch(), 5) or "")


@pytest.mark.parametrize(
    ("off", "on", "length", "clash"),
    [(0, -1, 5, False), (4, -1, 5, True), (2, 2, 5, True), (-5, 0, 5, True), (4, -1, 6, False)],
)
def test_one_step_can_not_be_hidden_and_ramped(off: int, on: int, length: int, clash: bool) -> None:
    objection = Blinding(index_off=off, index_on=on).objection(FirstLast(), length)
    assert (objection is not None) == clash
