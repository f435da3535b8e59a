"""The study of latching: sound experiments, and verdicts that follow from what was measured."""

from __future__ import annotations

from typing import Any

import pytest

from memspan.claims.study import Scale
from memspan.engine.condition import Condition
from memspan.experiment.flaws import flaws
from memspan.experiment.fleet import Fleet
from memspan.experiment.grid import conditions
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.interfaces.limits import Limits
from memspan.studies import experiments
from memspan.studies.latch import CHRONO, CORRECTED, HARD_GRU, HARD_LSTM, LSTM_1, PUBLISHED, RNN_1, LatchStudy
from tests.unit.studies.made_evidence import verdicts


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_every_experiment_is_sound_and_can_be_planned(scale: Scale) -> None:
    for name, spec in experiments(LatchStudy(scale=scale)).items():
        assert flaws(spec, Limits()) == [], name
        assert plan(Placements(spec), Fleet(workers=2)).estimated_seconds > 0


def test_the_full_scale_is_the_published_grid() -> None:
    asked = experiments(LatchStudy(scale="full"))
    published = asked["as published"]
    assert plan(Placements(published)).runs == 25 * 3 * 30 == 2_250
    assert published.lengths == PUBLISHED
    assert (published.training.epochs, published.training.batch_size) == (5, 16)
    assert published.training.train_size + published.training.validation_size == 10_000
    assert {place.task.variant for place in conditions(published)} == {"as_published"}  # type: ignore[attr-defined]
    assert {place.model for place in conditions(asked["hard sigmoid"])} == {HARD_LSTM, HARD_GRU}


def test_both_scales_run_published_and_corrected_data_side_by_side() -> None:
    for scale in ("quick", "full"):
        asked = experiments(LatchStudy(scale=scale))
        assert asked["corrected"].lengths == asked["as published"].lengths
        assert 200 in (place.length for place in conditions(asked["corrected"]) if place.model == CHRONO)


def as_claimed(condition: Condition, repeat: int) -> dict[str, float]:
    """The RNN latches in a third of the repeats, the LSTM never, with chrono initialisation nearly always."""
    shares = {RNN_1: 3, CHRONO: 10}
    latches = condition.extent < 20 or repeat % 10 < shares.get(condition.model, 0)
    accuracy = 1.0 if latches else 0.5
    validation = accuracy if condition.task == CORRECTED else (1.0 if latches else repeat % 2 * 0.6)
    return {"test_accuracy": accuracy, "validation_accuracy": validation}


def judge(scale: Scale = "full", metrics: Any = as_claimed) -> dict[str, Any]:
    return verdicts(LatchStudy(scale=scale), metrics)


def test_all_claims_are_supported_by_what_they_say() -> None:
    found = judge()
    assert {key: str(each.verdict) for key, each in found.items()} == dict.fromkeys(found, "supported")


def test_five_lengths_and_ten_repeats_are_too_few_to_say_that_nothing_changes() -> None:
    told = {key: str(each.verdict) for key, each in judge("quick").items()}
    assert told.pop("hard-sigmoid-changes-nothing") == "inconclusive"
    assert told == dict.fromkeys(told, "supported")


def test_the_difference_is_that_of_long_lengths_only() -> None:
    assert judge()["lstm-below-rnn-corrected"].measured.value == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("id", "accuracy"),
    [
        ("lstm-below-rnn-corrected", {LSTM_1: 1.0}),
        ("all-or-nothing", {LSTM_1: 0.8, RNN_1: 0.8}),
        ("chrono-latches", {CHRONO: 0.9}),
        ("lstm-below-integrator", {LSTM_1: 0.99}),
        ("hard-sigmoid-changes-nothing", {HARD_LSTM: 1.0}),
    ],
)
def test_a_claim_is_contradicted_by_what_denies_it(id: str, accuracy: Any) -> None:
    def metrics(condition: Condition, repeat: int) -> dict[str, float]:
        found = as_claimed(condition, repeat)
        return {**found, "test_accuracy": accuracy.get(condition.model, found["test_accuracy"])}

    assert str(judge(metrics=metrics)[id].verdict) == "contradicted"


def test_a_validation_set_that_tells_the_truth_misleads_nobody() -> None:
    def metrics(condition: Condition, repeat: int) -> dict[str, float]:
        accuracy = as_claimed(condition, repeat)["test_accuracy"]
        return {"test_accuracy": accuracy, "validation_accuracy": accuracy}

    assert str(judge(metrics=metrics)["validation-split-misleads"].verdict) == "contradicted"


def test_half_of_the_repeats_decide_nothing_about_half_of_them() -> None:
    def metrics(condition: Condition, repeat: int) -> dict[str, float]:
        return {"test_accuracy": float(repeat % 2), "validation_accuracy": 0.5}

    assert str(judge(metrics=metrics)["chrono-latches"].verdict) == "inconclusive"
