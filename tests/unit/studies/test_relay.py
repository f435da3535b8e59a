"""The study of relaying two bits: sound experiments, and verdicts that follow from what was measured."""

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
from memspan.studies.relay import CHRONO_GRU, CHRONO_LSTM, GRU_8, LSTM_8, RNN_8, RelayStudy
from tests.unit.studies.made_evidence import verdicts

ACCURACIES = {
    "relay": {RNN_8: 0.52, LSTM_8: 0.51, GRU_8: 0.9, CHRONO_LSTM: 0.8, CHRONO_GRU: 0.9},
    "latch": {RNN_8: 0.99, LSTM_8: 0.6, GRU_8: 0.7, CHRONO_LSTM: 0.99, CHRONO_GRU: 0.99},
}
"""as the claims would have it"""


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_every_experiment_is_sound_and_can_be_planned(scale: Scale) -> None:
    for name, spec in experiments(RelayStudy(scale=scale)).items():
        assert flaws(spec, Limits()) == [], name
        assert plan(Placements(spec), Fleet(workers=2)).estimated_seconds > 0


def test_the_full_scale_has_eight_units_ten_repeats_and_ten_epochs_on_both_tasks() -> None:
    asked = experiments(RelayStudy(scale="full"))
    assert {name: spec.tasks[0].kind for name, spec in asked.items()} == {"relay": "relay", "latch": "latch"}
    for spec in asked.values():
        assert (spec.repeats, spec.training.epochs, spec.lengths) == (10, 10, (5, 10, 20, 40, 80))
        assert {place.model for place in conditions(spec)} == set(ACCURACIES["relay"])


def judge(scale: Scale = "full", **changes: dict[Any, float]) -> dict[str, Any]:
    """Verdicts of repeats that scatter by .02 around the accuracies; what is shorter than 20 steps is solved by all."""

    def metrics(condition: Condition, repeat: int) -> dict[str, float]:
        known = {**ACCURACIES[condition.task.kind], **changes.get(condition.task.kind, {})}
        accuracy = known[condition.model] + (repeat % 3 - 1) * 0.01 if condition.extent >= 20 else 1.0
        return {"test_accuracy": min(accuracy, 1.0)}

    return verdicts(RelayStudy(scale=scale), metrics)


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_all_claims_are_supported_by_what_they_say(scale: Scale) -> None:
    found = judge(scale)
    assert {key: str(each.verdict) for key, each in found.items()} == dict.fromkeys(found, "supported")
    assert found["gru-best"].measured.value == pytest.approx(0.38, abs=0.01)


@pytest.mark.parametrize(
    ("id", "changes"),
    [
        ("gru-best", {GRU_8: 0.52}),
        ("rnn-and-lstm-equal", {LSTM_8: 0.8}),
        ("task-decides", {RNN_8: 0.99}),
        ("chrono-helps", {CHRONO_LSTM: 0.51}),
    ],
)
def test_a_claim_is_contradicted_by_what_denies_it(id: str, changes: dict[Any, float]) -> None:
    assert str(judge(relay=changes)[id].verdict) == "contradicted"


def test_one_cell_that_is_best_everywhere_is_no_matter_of_the_task() -> None:
    assert str(judge(latch={GRU_8: 1.0, RNN_8: 0.9})["task-decides"].verdict) == "contradicted"


def test_a_lead_as_large_as_the_threshold_is_inconclusive() -> None:
    assert str(judge(relay={GRU_8: 0.57})["gru-best"].verdict) == "inconclusive"
