"""The study of digits read row by row: sound with MNIST and without it, and verdicts that follow from the numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from memspan.claims.study import Scale
from memspan.engine.condition import Condition
from memspan.experiment.flaws import flaws
from memspan.experiment.fleet import Fleet
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.interfaces.limits import Limits
from memspan.studies import experiments
from memspan.studies.mnist_rows import CELLS, DECAYED, GRU_64, LSTM_64, RNN_64, MnistRowsStudy
from tests.unit.studies.made_evidence import evidence, verdicts

FULL, QUICK = MnistRowsStudy(scale="full"), MnistRowsStudy(scale="quick")
VARIANTS = {"gru-helps", "peephole-helps", "stacking-helps", "bidirection-helps", "dropout-helps", "weight-decay-helps"}


@pytest.fixture
def without_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEMSPAN_DATA", str(tmp_path))


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_every_experiment_is_sound_and_can_be_planned(scale: Scale) -> None:
    for name, spec in experiments(MnistRowsStudy(scale=scale)).items():
        assert flaws(spec, Limits()) == [], name
        assert plan(Placements(spec), Fleet(workers=2)).estimated_seconds > 0


@pytest.mark.usefixtures("without_mnist")
@pytest.mark.parametrize("scale", ["quick", "full"])
def test_every_experiment_is_sound_without_mnist(scale: Scale) -> None:
    for name, spec in experiments(MnistRowsStudy(scale=scale)).items():
        assert flaws(spec, Limits()) == [], name
        assert "digits" in spec.name


def test_the_full_scale_trains_as_the_source_does() -> None:
    asked = experiments(FULL)
    assert list(asked) == [CELLS, DECAYED]
    assert len(asked[CELLS].models) == 7
    for spec in asked.values():
        training = spec.training
        assert (spec.tasks[0].kind, spec.repeats) == ("mnist_rows", 3)
        assert (training.train_size, training.validation_size, training.test_size) == (54_000, 6_000, 10_000)
        assert (training.batch_size, training.epochs, training.optimizer.learning_rate) == (128, 5, 1e-3)
    assert [spec.training.weight_decay for spec in asked.values()] == [0, 0.1]


def test_the_quick_scale_trains_the_two_cells_of_the_question() -> None:
    asked = experiments(QUICK)
    assert list(asked) == [CELLS]
    assert asked[CELLS].models == (RNN_64, LSTM_64)


@pytest.mark.usefixtures("without_mnist")
def test_digits_get_as_many_optimiser_steps_as_mnist() -> None:
    training = experiments(FULL)[CELLS].training
    assert training.steps_per_epoch * training.epochs == pytest.approx(5 * 422, rel=0.05)


def ended(condition: Condition, repeat: int) -> dict[str, float]:
    """Gates give two percent, anything more than the plain LSTM another half, and all fit their training set better."""
    gain = 0.0 if condition.model == RNN_64 else 0.02
    gain += 0.0 if condition.model in (RNN_64, LSTM_64) and not condition.training.weight_decay else 0.005
    accuracy = 0.95 + gain + repeat / 10_000
    return {"test_accuracy": accuracy, "train_accuracy": accuracy + 0.015}


def seconds(condition: Condition) -> float:
    return 25.0 if condition.model == RNN_64 else 50.0


def judge(study: MnistRowsStudy, metrics: Any = ended) -> dict[str, Any]:
    return verdicts(study, metrics, seconds=seconds)


def test_all_claims_are_supported_by_what_they_say() -> None:
    found = judge(FULL)
    assert {key: str(each.verdict) for key, each in found.items()} == dict.fromkeys(found, "supported")
    assert found["lstm-above-rnn"].measured.value == pytest.approx(0.02)
    assert found["gates-cost-time"].measured.value == 2
    assert found["weight-decay-helps"].measured.value == pytest.approx(0.005)
    assert found["lstm-overfits"].measured.value == pytest.approx(0.015)


def test_an_lstm_layer_has_exactly_four_times_the_weights() -> None:
    found = judge(FULL)["four-times-the-weights"]
    assert (found.measured.value, found.reason) == (4, "23808 and 5952.")


def test_equal_models_contradict_every_difference() -> None:
    found = judge(FULL, lambda condition, repeat: {"test_accuracy": 0.96, "train_accuracy": 0.96})
    differences = VARIANTS | {"lstm-above-rnn", "lstm-overfits"}
    assert {key for key, each in found.items() if str(each.verdict) == "contradicted"} == differences


def test_a_variant_whose_repeats_differ_more_than_it_gains_is_left_open() -> None:
    def scattered(condition: Condition, repeat: int) -> dict[str, float]:
        return {**ended(condition, repeat), "test_accuracy": 0.96 + 0.01 * (repeat % 2) * (condition.model == GRU_64)}

    assert str(judge(FULL, scattered)["gru-helps"].verdict) == "inconclusive"


def test_the_quick_scale_leaves_open_what_it_does_not_run() -> None:
    found = judge(QUICK)
    missing = VARIANTS | {"lstm-overfits"}
    assert {key for key, each in found.items() if each.measured is None} == missing
    assert all("scale" in found[key].reason for key in missing)
    assert found["lstm-above-rnn"].reason == "3 epochs of 54000 pictures of MNIST."


@pytest.mark.usefixtures("without_mnist")
def test_what_was_measured_on_digits_says_so_wherever_it_is_read() -> None:
    found = judge(FULL)
    noted = {key for key, each in found.items() if "scikit-learn's digits" in each.reason}
    assert noted == set(found) - {"four-times-the-weights"}
    assert found["four-times-the-weights"].measured.value == 4


def test_the_words_follow_what_ran_and_not_what_lies_there_now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = evidence(FULL, ended, seconds=seconds)
    monkeypatch.setenv("MEMSPAN_DATA", str(tmp_path))
    claim = next(claim for claim in FULL.claims if claim.id == "lstm-above-rnn")
    assert claim.measure(found).note == "5 epochs of 54000 pictures of MNIST."
