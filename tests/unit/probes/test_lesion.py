"""The probe ``lesion``: weights that do nothing can be taken away, others can't."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from memspan.attribution.internals import NoWeights
from memspan.engine.seeds import stream
from memspan.instruments import adder
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.readings import Scalars
from memspan.interfaces.task import TaskSpec
from memspan.probes import measure
from memspan.probes.lesion import Lesion
from memspan.tasks import sample
from memspan.tasks.binary_addition import BinaryAddition
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from memspan.tasks.regression import Regression
from tests.unit.probes.untrained import untrained


def asked(model: Predictor, task: TaskSpec, length: int, **fields: Any) -> Scalars:
    found = measure(Lesion(sequences=50, **fields), model, task, length, stream(1))
    assert isinstance(found, Scalars)
    return found


@pytest.mark.parametrize("fields", [{"part": "recurrent"}, {"part": "all", "gate": "f"}])
def test_at_one_step_recurrent_matrices_and_forget_gate_do_nothing_at_all(fields: dict[str, Any]) -> None:
    found = asked(untrained(Regression(), 1, members=3, hidden_size=(6, 5)), Regression(), 1, **fields)
    assert found.values["largest_change"] == found.high["largest_change"] == 0
    assert found.values["loss_change"] == 0
    assert found.values["loss_before"] == found.values["loss_after"]


@pytest.mark.parametrize("gate", ["i", "g", "o"])
def test_at_one_step_the_other_gates_do_something(gate: str) -> None:
    found = asked(untrained(Regression(), 1, members=3, hidden_size=(6, 5)), Regression(), 1, part="all", gate=gate)
    assert found.low["largest_change"] > 0


@pytest.mark.parametrize("fields", [{"part": "recurrent"}, {"part": "all", "gate": "f"}, {"part": "bias"}])
def test_over_many_steps_they_matter(fields: dict[str, Any]) -> None:
    found = asked(untrained(FirstLast(), 6, members=3, hidden_size=3), FirstLast(), 6, **fields)
    assert found.low["largest_change"] > 1e-4


@pytest.mark.parametrize(
    ("kind", "fields", "cut"),
    [
        ("lstm", {"part": "kernel", "gate": "f"}, {"layer0.kernel": slice(3, 6)}),
        ("gru", {"part": "bias"}, {"layer0.bias": slice(0, 9), "layer0.recurrent_bias": slice(0, 9)}),
        ("gru", {"part": "recurrent", "gate": "n"}, {"layer0.recurrent": slice(6, 9)}),
        ("rnn", {"part": "recurrent"}, {"layer0.recurrent": slice(0, 3)}),
    ],
)
def test_just_the_named_columns_are_set_to_zero(kind: str, fields: dict[str, Any], cut: dict[str, slice]) -> None:
    task, length = Latch(), 5
    model = untrained(task, length, kind, members=2, hidden_size=3, initialization="torch")
    internals = model.internals
    assert internals is not None
    weights = {name: weight.clone() for name, weight in internals.weights.items()}
    for name, columns in cut.items():
        weights[name][..., columns] = 0
    hurt = trained(internals.network, weights, internals.signature)
    inputs = sample(task, length, 50, stream(1)).inputs
    expected = (hurt(inputs) - model(inputs)).abs().flatten(1).amax(1).mean()
    found = asked(model, task, length, **fields)
    assert found.values["largest_change"] == pytest.approx(float(expected))
    assert found.values["largest_change"] > 0


def test_the_trained_weights_stay_as_they_are() -> None:
    model = untrained(Latch(), 5, hidden_size=3)
    internals = model.internals
    assert internals is not None
    before = {name: weight.clone() for name, weight in internals.weights.items()}
    asked(model, Latch(), 5, part="all")
    assert all(torch.equal(before[name], weight) for name, weight in internals.weights.items())


def test_every_metric_is_told_before_and_after() -> None:
    found = asked(untrained(BinaryAddition(), 5, members=2), BinaryAddition(), 5)
    expected = {
        f"{metric}_{when}" for metric in ("loss", "accuracy", "exact") for when in ("before", "after", "change")
    }
    assert found.values.keys() == {"largest_change", *expected}
    assert found.units["loss_before"] == "nats"
    assert found.units["accuracy_change"] == "1"
    for metric in ("loss", "accuracy", "exact"):
        change = found.values[f"{metric}_after"] - found.values[f"{metric}_before"]
        assert found.values[f"{metric}_change"] == pytest.approx(change)


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("mlp", {}, "is for recurrent layers, and this model for latch has none."),
        ("rnn", {"gate": "f"}, "its gates are h; given part recurrent and gate f."),
        ("lstm", {"gate": "z"}, "its gates are i, f, g, o; given part recurrent and gate z."),
        ("min_gru", {}, "given part recurrent."),
    ],
)
def test_weights_that_are_not_there_are_refused(kind: str, fields: dict[str, Any], words: str) -> None:
    internals = untrained(Latch(), 5, kind).internals
    assert internals is not None
    assert words in (Lesion(**fields).objection(Latch(), 5, internals.network) or "")


def test_an_instrument_has_no_weights() -> None:
    with pytest.raises(NoWeights, match="The probe lesion looks at weights"):
        asked(adder(), FirstLast(), 5)
