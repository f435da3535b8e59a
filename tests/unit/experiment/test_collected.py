"""Collected data sets have so many sequences and no more."""

from __future__ import annotations

from typing import Any

import pytest

import memspan
from memspan.engine.condition import Condition
from memspan.engine.datasets import split
from memspan.experiment.run import SpecImpossible
from memspan.models.rnn import RNN
from memspan.tasks.digits import Digits
from memspan.training import Training
from tests.unit.experiment.test_flaws import found

DIGITS: dict[str, Any] = {"tasks": [{"kind": "digits"}], "lengths": None}


def sized(train: int, validation: int, test: int) -> dict[str, int]:
    return {"train_size": train, "validation_size": validation, "test_size": test}


def test_no_more_sequences_can_be_asked_for_than_there_are() -> None:
    assert found(**DIGITS, training=sized(1_000, 437, 360)) == {}
    assert found(**DIGITS, training=sized(1_001, 437, 360)) == {"training.train_size": "data_too_large"}
    assert found(**DIGITS, training=sized(1_000, 437, 361)) == {"training.test_size": "data_too_large"}
    mnist = {"tasks": [{"kind": "mnist_rows"}], "lengths": None}
    assert found(**mnist, training=sized(54_000, 6_000, 10_000)) == {}
    assert found(**mnist, training=sized(54_001, 6_000, 10_000)) == {"training.train_size": "data_too_large"}


def test_the_smallest_set_decides_and_each_field_is_told_once() -> None:
    both = {"tasks": [{"kind": "mnist_rows"}, {"kind": "digits"}], "lengths": None}
    assert found(**both, training=sized(70_000, 1, 20_000)) == {
        "training.train_size": "data_too_large", "training.test_size": "data_too_large"
    }  # fmt: skip


@pytest.mark.parametrize("data", ["fresh", "per_repeat"])
def test_collected_data_are_fixed(data: str) -> None:
    """Sets drawn for a repeat would share sequences with the validation set of all."""
    asked = found(**DIGITS, training={**sized(100, 100, 100), "data": data})
    assert asked == {"training.data": "does_not_apply"}


def test_the_usual_sizes_are_too_large_for_digits_and_the_sentence_says_what_fits() -> None:
    with pytest.raises(SpecImpossible) as refused:
        memspan.run({"tasks": [{"kind": "digits"}], "models": [{"kind": "rnn", "hidden_size": 1}]})
    assert str(refused.value).splitlines() == [
        "training.train_size: The task digits has 1437 training sequences; train_size + validation_size given 10000. "
        "Take e.g. 1294 and 143.",
        "training.test_size: The task digits has 360 test sequences; test_size given 10000.",
    ]


def test_training_validation_and_test_are_different_sequences() -> None:
    condition = Condition(Digits(), RNN(hidden_size=1), None, Training(**sized(1_000, 437, 360)), seed=1)
    data = split(condition)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [1_000, 437, 360]
    parts = (data.train, *(scored.rows(0, len(scored)) for scored in (data.validation, data.test)))
    whole = {tuple(row.flatten().tolist()) for part in parts for row in part.inputs}
    assert len(whole) == 1_797


def test_a_small_net_learns_digits() -> None:
    """Guessing scores .1, always the commonest digit .078; ten epochs reach .9."""
    spec = {
        "tasks": [{"kind": "digits"}], "models": [{"kind": "gru", "hidden_size": 16}], "repeats": 1,
        "training": {**sized(1_200, 237, 360), "epochs": 10, "optimizer": {"kind": "adam", "learning_rate": 0.01}},
    }  # fmt: skip
    (condition,) = memspan.run(spec).document["conditions"]
    assert condition["length"] is None
    assert condition["metrics"]["test_accuracy"]["mean"] > 0.8
