"""The study of LSTMs with one step: sound experiments, and verdicts that follow from what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from memspan.attribution.weight_blocks import weight_blocks
from memspan.claims.study import Scale
from memspan.engine.condition import Condition
from memspan.experiment.flaws import flaws
from memspan.experiment.fleet import Fleet
from memspan.experiment.grid import conditions
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits
from memspan.models import build
from memspan.models.lstm import LSTM
from memspan.probes.lesion import Lesion
from memspan.studies import experiments
from memspan.studies.one_step_lstm import (
    CONTROLS,
    DEAD,
    GATED,
    GTU,
    MATCHED,
    ONE_STEP,
    OPEN_I,
    OPEN_O,
    PAIRS,
    PERCEPTRON,
    TANH_NET,
    OneStepLSTM,
)
from tests.unit.studies.made_evidence import verdicts

FULL, QUICK = OneStepLSTM(scale="full"), OneStepLSTM(scale="quick")
LIVE = 122_901
"""weights of the one-step LSTM that can learn"""


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_every_experiment_is_sound_and_can_be_planned(scale: Scale) -> None:
    for name, spec in experiments(OneStepLSTM(scale=scale)).items():
        assert flaws(spec, Limits()) == [], name
        assert plan(Placements(spec), Fleet(workers=2)).estimated_seconds > 0


def test_the_full_scale_has_both_sizes_all_controls_and_two_more_learning_rates() -> None:
    asked = experiments(FULL)
    assert sum(plan(Placements(spec)).runs for spec in asked.values()) == 2 * (2 * 7) * 10 + 2 * (2 * 2) * 10
    assert {spec.training.train_size for spec in asked.values()} == {1_000, 10_000}
    assert {spec.training.optimizer.learning_rate for spec in asked.values()} == {3e-4, 1e-3, 3e-3}
    assert all(spec.training.epochs == 100 and spec.training.batch_size == 32 for spec in asked.values())


def test_the_quick_scale_asks_both_teachers_about_the_two_models() -> None:
    asked = experiments(QUICK)
    assert sum(plan(Placements(spec)).runs for spec in asked.values()) == 3 * 5
    places = {(place.model, place.task) for spec in asked.values() for place in conditions(spec)}
    assert places >= {(model, task) for model in (PERCEPTRON, ONE_STEP) for task in (PAIRS, TANH_NET)}


def test_models_have_the_sizes_that_the_comparison_is_about() -> None:
    signature = PAIRS.signature(1)
    sizes = {model: build(model, signature).parameters for model in (PERCEPTRON, ONE_STEP, GATED, MATCHED)}
    assert (sizes[PERCEPTRON], sizes[ONE_STEP], sizes[GATED]) == (41_001, 353_851, LIVE)
    assert sizes[MATCHED] == pytest.approx(LIVE, rel=1e-3)


def test_what_meets_a_state_of_zero_is_all_that_a_perceptron_of_gates_lacks() -> None:
    network = build(LSTM(hidden_size=(3, 2)), PAIRS.signature(1))
    dead = {part.name for part in weight_blocks(network) if any(end in part.name for end in DEAD)}
    recurrent = {f"layer{layer}.recurrent.{gate}" for layer in (0, 1) for gate in "ifgo"}
    assert dead == recurrent | {f"layer{layer}.{part}.f" for layer in (0, 1) for part in ("kernel", "bias")}


LOSSES = {PERCEPTRON: 1e-3, ONE_STEP: 1e-4, GATED: 1e-4, GTU: 1e-4, MATCHED: 1e-3, OPEN_I: 1e-4, OPEN_O: 1e-4}
"""as the claims would have it"""


def ended(condition: Condition, repeat: int) -> dict[str, float]:
    """The LSTM is ten times ahead with products to learn, and not ahead with a tanh net to learn."""
    loss = LOSSES[condition.model] if condition.task == PAIRS else 1e-3
    return {"test_loss": loss * (1 + repeat / 1000), "validation_loss": loss}


def lines(condition: Condition, repeat: int) -> dict[str, Sequence[float]]:
    """The MLP falls to a half in each epoch, the LSTM twice as fast."""
    rate = 0.25 if condition.model == ONE_STEP else 0.5
    return {"validation_loss": [rate**epoch for epoch in range(1, 101)]}


def readings(spec: ExperimentSpec, forget: float = 0.0, change: float = 0.0) -> list[Mapping[str, Any]]:
    """What the probes would say of gradients by the forget gate, and of answers without it."""
    high = {"layer0.kernel.f": forget, "layer0.recurrent.i": 0.0, "layer0.kernel.i": 0.02, "all": 0.02}
    return [
        {
            "kind": probe.kind,
            "spec": probe.model_dump(mode="json"),
            "task": place.task.model_dump(mode="json"),
            "model": place.model.model_dump(mode="json"),
            "length": None,
            "state": "succeeded",
            "result": {"high": {"largest_change": change} if isinstance(probe, Lesion) else high, "n": spec.repeats},
        }
        for place in conditions(spec)
        for probe in spec.probes
    ]


def seconds(condition: Condition) -> float:
    return 300.0 if isinstance(condition.model, LSTM) else 100.0


def judge(study: OneStepLSTM, metrics: Any = ended, **fields: Any) -> dict[str, Any]:
    return verdicts(study, metrics, **{"lines": lines, "readings": readings, "seconds": seconds, **fields})


def test_all_claims_are_supported_by_what_they_say() -> None:
    found = judge(FULL)
    assert {key: str(each.verdict) for key, each in found.items()} == dict.fromkeys(found, "supported")
    assert found["fewer-epochs"].measured.value == 10
    assert found["ten-times-lower"].measured.value == pytest.approx(10)
    assert found["mlp-faster"].measured.value == pytest.approx(3)
    assert found["teacher-decides"].measured.value == pytest.approx(1)
    assert found["no-gradient"].reason == "The least of all other parts is 0.02."


@pytest.mark.parametrize(
    ("id", "change"),
    [
        ("ten-times-lower", {ONE_STEP: 3e-4}),
        ("gating-helps", {GATED: 5e-4}),
        ("size-does-not", {MATCHED: 2e-4}),
        ("one-gate-is-enough", {OPEN_O: 5e-4}),
        ("teacher-decides", {ONE_STEP: 9e-4}),
        ("survives-tuning", {ONE_STEP: 6e-4}),
    ],
)
def test_a_claim_is_contradicted_by_the_opposite(id: str, change: Mapping[Any, float]) -> None:
    losses = LOSSES | change

    def otherwise(condition: Condition, repeat: int) -> dict[str, float]:
        loss = losses[condition.model] if condition.task == PAIRS else 1e-3
        return {"test_loss": loss, "validation_loss": loss}

    assert str(judge(FULL, otherwise)[id].verdict) == "contradicted"


def test_an_interval_across_the_threshold_decides_nothing() -> None:
    def scattered(condition: Condition, repeat: int) -> dict[str, float]:
        loss = 1e-3 if condition.model == PERCEPTRON else (1e-4, 5e-4)[repeat % 2]
        return {"test_loss": loss, "validation_loss": loss}

    found = judge(FULL, scattered)["ten-times-lower"]
    assert (str(found.verdict), found.reason) == ("inconclusive", "Its interval straddles the threshold.")


def test_an_lstm_that_needs_as_many_epochs_saves_none() -> None:
    found = judge(FULL, lines=lambda condition, repeat: {"validation_loss": [0.5**epoch for epoch in range(1, 101)]})
    assert (str(found["fewer-epochs"].verdict), found["fewer-epochs"].measured.value) == ("contradicted", 0)


def test_an_lstm_that_never_gets_there_counts_as_later_than_all_epochs() -> None:
    def stuck(condition: Condition, repeat: int) -> dict[str, Sequence[float]]:
        return {"validation_loss": [1.0] * 100 if condition.model == ONE_STEP else [0.1] * 100}

    assert judge(FULL, lines=stuck)["fewer-epochs"].measured.value == 20 - 101


def test_equal_seconds_contradict_that_the_mlp_is_faster() -> None:
    assert str(judge(FULL, seconds=lambda condition: 100.0)["mlp-faster"].verdict) == "contradicted"


def test_the_smallest_gradient_or_change_contradicts_that_there_is_none() -> None:
    found = judge(FULL, readings=lambda spec: readings(spec, forget=1e-30, change=2e-6))
    assert [str(found[key].verdict) for key in ("no-gradient", "no-effect")] == ["contradicted", "contradicted"]


def test_each_model_is_tuned_by_its_validation_loss_and_judged_by_its_test_loss() -> None:
    """The LSTM's lowest test loss lies where its validation loss does not."""

    def by_rate(condition: Condition, repeat: int) -> dict[str, float]:
        rate = condition.training.optimizer.learning_rate
        if condition.model != ONE_STEP:
            return {"test_loss": 1e-3, "validation_loss": 1e-3}
        return {"test_loss": {3e-4: 1e-6, 1e-3: 1e-5, 3e-3: 1e-4}[rate], "validation_loss": 1e-3 - rate / 10}

    found = judge(FULL, by_rate)["survives-tuning"]
    assert found.measured.value == pytest.approx(10)
    assert "LSTM 0.003" in found.reason


def test_without_a_gap_controls_have_nothing_to_close() -> None:
    found = judge(FULL, lambda condition, repeat: {"test_loss": 1e-3, "validation_loss": 1e-3})["gating-helps"]
    assert (str(found.verdict), found.measured) == ("inconclusive", None)
    assert "no gap" in found.reason


def test_the_quick_scale_leaves_open_what_it_does_not_run() -> None:
    found = judge(QUICK)
    missing = {"fewer-epochs", "ten-times-lower", "size-does-not", "one-gate-is-enough", "survives-tuning"}
    assert {key for key, each in found.items() if each.measured is None} == missing
    assert all(str(found[key].verdict) == "inconclusive" and "scale" in found[key].reason for key in missing)
    assert all(str(each.verdict) == "supported" for key, each in found.items() if key not in missing)
    assert found["gating-helps"].reason == "N = 1000."


def test_controls_differ_from_what_they_control() -> None:
    assert len({PERCEPTRON, ONE_STEP, *CONTROLS}) == 7
