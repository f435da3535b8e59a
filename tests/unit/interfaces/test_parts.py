"""Specs' field types, numbers that JSON can't hold, batches and predictors."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from pydantic import BaseModel, TypeAdapter, ValidationError

from memspan.engine.seeds import stream
from memspan.interfaces.batch import Batch
from memspan.interfaces.json_numbers import jsonable, spelled
from memspan.interfaces.network import stack
from memspan.interfaces.predictor import trained
from memspan.interfaces.readings import Curve, Scalars, Surface
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import LayerSizes, Real, Whole, stacked
from memspan.models import build
from memspan.models.lstm import LSTM
from memspan.training import Training


def accepts(kind: Any, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_json(text, strict=True)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "real", "whole"),
    [("1", True, True), ("1.0", True, False), ("-2.5", True, False), ("true", False, False), ('"1"', False, False),
     ("null", False, False), ("NaN", False, False), ("Infinity", False, False), ("1e400", False, False)],
)  # fmt: skip
def test_numbers_are_numbers(text: str, real: bool, whole: bool) -> None:
    assert accepts(Real, text) == real
    assert accepts(Whole, text) == whole


@pytest.mark.parametrize(("text", "sizes"), [("3", (3,)), ("[3]", (3,)), ("[8, 6]", (8, 6)), ("4096", (4096,))])
def test_sizes_are_one_layer_or_a_stack(text: str, sizes: tuple[int, ...]) -> None:
    assert stacked(TypeAdapter(LayerSizes).validate_json(text, strict=True)) == sizes


@pytest.mark.parametrize(
    "text", ["0", "-1", "4097", "[]", "[0]", "2.0", "true", "[2, true]", str([1] * 17), "null", "{}"]
)
def test_sizes_that_are_none_are_refused(text: str) -> None:
    assert not accepts(LayerSizes, text)


def test_an_epoch_ends_with_what_is_left() -> None:
    assert Training(train_size=18, batch_size=5).steps_per_epoch == 4
    assert Training(train_size=20, batch_size=5).steps_per_epoch == 4
    assert Training(train_size=3, batch_size=5).steps_per_epoch == 1


def test_the_defaults_of_training_are_those_of_the_latch_question() -> None:
    training = Training()
    assert (training.batch_size, training.epochs, training.train_size, training.validation_size) == (
        16,
        5,
        8_000,
        2_000,
    )
    assert training.optimizer.model_dump() == {
        "kind": "adam", "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7
    }  # fmt: skip


def test_numbers_that_are_not_finite_are_spelled() -> None:
    assert [spelled(value) for value in (1.5, math.nan, math.inf, -math.inf)] == [1.5, "NaN", "Infinity", "-Infinity"]


def test_nested_data_become_json_and_nothing_else_changes() -> None:
    data = {"a": (1, math.nan, {"b": [True, None, "x", -math.inf]}), "c": 2.0}
    assert jsonable(data) == {"a": [1, "NaN", {"b": [True, None, "x", "-Infinity"]}], "c": 2.0}
    json.dumps(jsonable(data), allow_nan=False)


def test_a_batch_is_cut_along_its_sequences() -> None:
    batch = Batch(torch.arange(12.0).reshape(4, 3, 1), torch.arange(4))
    part = batch[1:3]
    assert len(batch) == 4
    assert len(part) == 2
    assert part.targets.tolist() == [1, 2]
    assert part.inputs[0, 0, 0] == 3.0


@pytest.mark.parametrize("problem", list(Problem))
def test_a_predictor_answers_the_same_in_blocks_and_gives_probabilities_for_classes(problem: Problem) -> None:
    signature = Signature(5, 2, 3, problem)
    network = build(LSTM(hidden_size=4), signature)
    weights = stack([network.initialize(stream(member)) for member in range(2)])
    inputs = torch.randn(23, 5, 2, generator=stream("inputs"))
    whole, blocks = (trained(network, weights, signature, block_values=size)(inputs) for size in (2**22, 300))
    assert whole.shape == (2, 23, 3)
    assert torch.allclose(whole, blocks, atol=1e-6)
    sums = whole.sum(-1)
    assert torch.allclose(sums, torch.ones_like(sums)) == (problem is Problem.CLASSIFICATION)


def test_every_reading_is_a_document_of_its_kind() -> None:
    readings = [
        Scalars({"a": 1.0}, {"a": 0.5}, {"a": 1.5}, 3, {"a": "%"}),
        Curve((0.0,), (1.0,), (0.5,), (1.5,), 3, "lag", "drop", "steps", "1"),
        Surface((0.0,), (1.0,), ((2.0,),), 1, "w", "b", "loss"),
    ]
    assert [json.loads(json.dumps(reading.document()))["kind"] for reading in readings] == [
        "scalars",
        "curve",
        "surface",
    ]


def test_every_spec_type_refuses_what_it_does_not_know() -> None:
    assert issubclass(Training, BaseModel)
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Training.model_validate_json('{"batchsize": 3}', strict=True)
