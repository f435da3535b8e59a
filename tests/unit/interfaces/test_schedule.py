"""Schedules of the learning rate."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError

from memspan.engine.mover import Mover, slots
from memspan.engine.weight_rows import Stretch
from memspan.experiment.cautions import travelled
from memspan.interfaces.schedule import Schedule
from memspan.optimizers.sgd import SGD
from memspan.training import Training
from tests.unit.engine.populations import carried, condition, stopped, stories

TEN = {"epochs": 5, "train_size": 32, "batch_size": 16}


def rates(kind: str, warm_up: float = 0.0, **more: int) -> list[float]:
    """Of ten steps, as shares of the learning rate."""
    training = Training(schedule=Schedule(kind=kind, warm_up=warm_up), **TEN, **more)  # type: ignore[arg-type]
    return [training.rate(step) / 0.001 for step in range(1, 11)]


def test_a_rate_rises_evenly_over_its_warm_up_and_then_stays() -> None:
    assert rates("constant", 0.4) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1])


def test_a_cosine_begins_at_the_rate_and_is_half_of_it_halfway() -> None:
    found = rates("cosine")
    assert found == pytest.approx([(1 + math.cos(math.pi * step / 10)) / 2 for step in range(10)])
    assert (found[0], found[5]) == pytest.approx((1, 0.5))
    warm = rates("cosine", 0.2)
    assert warm[:3] == pytest.approx([0.5, 1, 1])
    assert warm[6] == pytest.approx(0.5)
    assert warm[-1] > 0


def test_halving_goes_on_as_ever_beside_a_warm_up() -> None:
    assert rates("halve", 0.2, halve_every=4) == pytest.approx([0.5, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25])


@pytest.mark.parametrize("kind", ["constant", "cosine"])
@pytest.mark.parametrize("warm_up", [0.0, 0.1, 0.55])
def test_the_way_that_weights_may_go_is_the_sum_of_all_rates(kind: str, warm_up: float) -> None:
    training = Training(schedule=Schedule(kind=kind, warm_up=warm_up), **TEN)  # type: ignore[arg-type]
    assert travelled(training) == pytest.approx(sum(training.rate(step) for step in range(1, 11)))


@pytest.mark.parametrize(
    ("schedule", "halve_every", "said"),
    [
        ({"kind": "halve"}, None, "The schedule halve needs halve_every"),
        ({"kind": "cosine"}, 5, "halve_every goes with the schedule halve; given cosine."),
        ({"kind": "cosine", "warm_up": 1.0}, None, "less than 1"),
        ({"kind": "linear"}, None, "cosine"),
    ],
)
def test_schedules_that_contradict_themselves_are_refused(
    schedule: dict[str, object], halve_every: int | None, said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        Training.model_validate({"schedule": schedule, "halve_every": halve_every})


def test_a_spec_without_a_schedule_shows_none() -> None:
    assert "schedule" not in Training().model_dump(mode="json")
    shown = Training(schedule=Schedule(kind="cosine", warm_up=0.1)).model_dump(mode="json")
    assert shown["schedule"] == {"kind": "cosine", "warm_up": 0.1}


def test_a_step_moves_weights_by_the_rate_of_its_step() -> None:
    training = Training(optimizer=SGD(learning_rate=0.5), schedule=Schedule(kind="cosine", warm_up=0.2), **TEN)
    rows = torch.zeros(1, 3)
    mover = Mover(training, slots(training, rows))
    for step in range(1, 11):
        before = rows.clone()
        mover.move(rows, [Stretch(0, torch.ones(1, 3))], step)
        assert torch.allclose(before - rows, torch.full((1, 3), training.rate(step)), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("after", [3, 6])
def test_a_run_goes_on_along_its_schedule_to_the_same_bits(after: int) -> None:
    asked = condition(schedule=Schedule(kind="cosine", warm_up=0.3))
    whole = stories(asked, (0,))[0]
    resumed = stories(asked, (0,), carried(stopped(asked, (0,), after).snapshots()))[0]
    assert resumed.weights == whole.weights
    assert resumed.metrics == whole.metrics
