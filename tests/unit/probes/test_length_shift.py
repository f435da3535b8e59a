"""The probe ``length_shift`` on instruments that do the same at every length."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from memspan.attribution.sequence_metrics import metrics_of
from memspan.engine.scores import scores
from memspan.engine.seeds import stream
from memspan.instruments import adder, blind
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.readings import Curve
from memspan.interfaces.task import TaskSpec
from memspan.probes import measure
from memspan.probes.length_shift import LengthShift
from memspan.tasks import sample
from memspan.tasks.binary_addition import BinaryAddition
from memspan.tasks.copy import Copy
from memspan.tasks.digits import Digits
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from tests.unit.probes.answering import two_classes
from tests.unit.probes.untrained import untrained

CARRYLESS = two_classes(lambda x: 8 * (x.sum(-1) == 1).float() - 4)
"""digits of a sum as if there were no carry"""


def asked(model: Predictor, task: TaskSpec, **fields: Any) -> Curve:
    found = measure(LengthShift(**fields), model, task, 8, stream(1))
    assert isinstance(found, Curve)
    return found


def test_an_adder_adds_at_every_length_and_a_blind_model_never_does() -> None:
    """Mean of squares of variance 8: within 5 standard errors of n = 1 000, false alarm 6e-7 a length."""
    assert not any(asked(adder(), FirstLast()).y)
    found = asked(blind(), FirstLast(), lengths=(4, 30))
    assert all(abs(value - 2) < 5 * math.sqrt(8 / 1_000) for value in found.y)
    assert (found.x, found.x_unit, found.baseline) == ((4, 30), "steps", 2.0)


@pytest.mark.parametrize("metric", ["exact", "accuracy"])
def test_adding_without_a_carry_fails_as_often_as_the_window_of_no_memory(metric: str) -> None:
    """Exact sums: (3/4)^n of n bits. Within 5 standard errors of n = 4 000, false alarm 6e-7 a length."""
    lengths = (2, 4, 8)
    found = asked(CARRYLESS, BinaryAddition(), lengths=lengths, metric=metric, sequences=4_000)
    for length, value in zip(lengths, found.y, strict=True):
        (known,) = (
            each.value
            for each in BinaryAddition().baselines(length)
            if (each.name, each.metric) == ("window_0", f"test_{metric}")
        )
        if metric == "exact":
            assert known == pytest.approx(0.75**length)
        assert abs(value - known) < 5 * math.sqrt(known * (1 - known) / 4_000)
    assert found.x_unit == ""


@pytest.mark.parametrize("task", [FirstLast(), Latch(), BinaryAddition(), Copy()])
def test_marks_of_sequences_average_to_the_scores_of_training(task: TaskSpec) -> None:
    model, batch = untrained(task, 5, members=3, hidden_size=4), sample(task, 5, 40, stream(2))
    signature, internals = task.signature(5), model.internals
    assert internals is not None
    outputs = internals.network.forward(internals.weights, batch.inputs.expand(3, *batch.inputs.shape))
    expected = scores(signature, outputs, batch.targets.expand(3, *batch.targets.shape))
    found = metrics_of(model, signature, batch)
    assert found.keys() == expected.keys()
    for name, values in found.items():
        assert values.shape == (3, 40)
        assert torch.allclose(values.mean(1).float(), expected[name], atol=1e-5)


def test_several_models_are_counted() -> None:
    assert asked(untrained(Latch(), 8, members=4), Latch(), sequences=50).n == 4
    assert asked(untrained(Latch(), 8), Latch(), sequences=50).n == 50


def test_lengths_are_a_set() -> None:
    assert LengthShift(lengths=(50, 10, 50)).lengths == (10, 50)


@pytest.mark.parametrize(
    ("fields", "task", "words"),
    [
        ({}, Digits(), "The task digits has no length"),
        ({"lengths": (1, 5)}, FirstLast(), "The task first_last needs lengths of at least 2; given 1."),
        ({"metric": "accuracy"}, FirstLast(), "The task first_last is scored by loss; the metric accuracy"),
        ({"metric": "exact"}, Latch(), "The task latch is scored by loss, accuracy; the metric exact"),
    ],
)
def test_what_a_task_does_not_have_is_refused(fields: dict[str, Any], task: TaskSpec, words: str) -> None:
    assert words in (LengthShift(**fields).objection(task, 8) or "")


def test_a_model_that_takes_one_length_is_refused() -> None:
    for kind, fits in (("mlp", False), ("cnn", False), ("lstm", True), ("rnn", True)):
        internals = untrained(Latch(), 8, kind).internals
        assert internals is not None
        assert (LengthShift().objection(Latch(), 8, internals.network) is None) == fits
