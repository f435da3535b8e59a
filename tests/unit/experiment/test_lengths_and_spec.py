"""Lengths, names and the other fields of a spec."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as choose
from pydantic import ValidationError

from memspan.experiment.grid import lengths_of
from memspan.experiment.lengths import LogRange
from memspan.experiment.report import SolvedIf
from memspan.experiment.run import SpecImpossible, SpecMalformed, parse
from memspan.experiment.spec import EXAMPLE, ExperimentSpec
from memspan.interfaces.limits import Limits

SMALL: dict[str, Any] = {"tasks": [{"kind": "latch"}], "models": [{"kind": "rnn"}], "lengths": [5]}


def spec(limits: Limits | None = None, **changes: Any) -> ExperimentSpec:
    context = {"limits": limits} if limits else None
    return ExperimentSpec.model_validate_json(json.dumps(SMALL | changes), strict=True, context=context)


def wrong(limits: Limits | None = None, **changes: Any) -> set[tuple[str, ...]]:
    """The places of the errors of a malformed spec; pydantic also calls a list short whose only item is wrong."""
    with pytest.raises(ValidationError) as error:
        spec(limits, **changes)
    errors = [each for each in error.value.errors() if not (each["type"] == "too_short" and each["input"])]
    return {tuple(map(str, each["loc"])) for each in errors}


def test_lengths_are_a_set() -> None:
    assert lengths_of(spec(lengths=[9, 3, 9, 5])) == (3, 5, 9)
    assert lengths_of(spec(lengths=None)) == ()


def test_lengths_may_be_spaced_on_a_logarithmic_scale() -> None:
    assert lengths_of(spec(lengths={"log": {"low": 2, "high": 200, "count": 5}})) == (2, 6, 20, 63, 200)
    assert lengths_of(spec(lengths={"log": {"low": 7, "high": 200, "count": 1}})) == (7,)
    assert lengths_of(spec(lengths={"log": {"low": 2, "high": 4, "count": 50}})) == (2, 3, 4)


@given(low=choose.integers(1, 10_000), high=choose.integers(1, 10_000), count=choose.integers(2, 1_000))
def test_a_logarithmic_range_ascends_from_low_to_high_without_repeats(low: int, high: int, count: int) -> None:
    low, high = min(low, high), max(low, high)
    values = LogRange(low=low, high=high, count=count).values()
    assert values[0] == low
    assert values[-1] == high
    assert len(values) <= count
    assert list(values) == sorted(set(values))


NO_LENGTHS = [
    [], [0], [-1], [10_001], [2.0], ["2"], [True], "2", 2, {"lin": {}},
    {"log": {"low": 2, "high": 5}},
    {"log": {"low": 5, "high": 2, "count": 3}}, {"log": {"low": 2, "high": 5, "count": 1_001}},
]  # fmt: skip


@pytest.mark.parametrize("lengths", NO_LENGTHS, ids=str)
def test_lengths_that_are_none_are_refused_at_their_place(lengths: Any) -> None:
    assert all(place[0] == "lengths" for place in wrong(lengths=lengths))


def test_an_experiment_without_a_name_is_called_after_its_parts() -> None:
    assert spec().name == "latch: rnn"
    models = [{"kind": "rnn"}, {"kind": "lstm"}, {"kind": "rnn", "hidden_size": 2}]
    assert spec(models=models, name="  ").name == "latch: rnn and lstm"
    assert spec(name="mine").name == "mine"


def test_names_and_labels_are_bounded_and_printable() -> None:
    assert wrong(name="x" * 201) == {("name",)}
    assert wrong(name="a\x00b") == {("name",)}
    assert wrong(name=3) == {("name",)}
    assert spec(name="ü – 記憶").name == "ü – 記憶"
    assert wrong(labels=["", "ok"]) == {("labels", "0")}
    assert wrong(labels=["a\nb"]) == {("labels", "0")}


def test_limits_come_from_the_context() -> None:
    tight = Limits(repeats=2, epochs=3, hidden_size=4, length=6, samples=50)
    assert wrong(tight, repeats=3) == {("repeats",)}
    assert wrong(tight, models=[{"kind": "rnn", "hidden_size": 5}]) == {("models", "0", "rnn", "hidden_size", "one")}
    assert wrong(tight, lengths=[5, 7]) == {("lengths", "list", "1")}
    assert wrong(tight, training={"epochs": 4, "train_size": 51}) == {
        ("training", "epochs", "whole"),
        ("training", "train_size"),
    }
    wide = Limits(repeats=5_000)
    assert spec(wide, repeats=5_000).repeats == 5_000


@pytest.mark.parametrize("value", [True, 2.0, "2", None, 0, 1_001])
def test_a_whole_number_is_nothing_else(value: Any) -> None:
    assert wrong(repeats=value) == {("repeats",)}


def test_every_wrong_field_is_named_at_once() -> None:
    places = wrong(repeats=0, seed=-1, priority=11, device="tpu", colour=1, training={"batch_size": 0, "data": "old"})
    assert {place[-1] for place in places} == {"repeats", "seed", "priority", "device", "colour", "batch_size", "data"}


def test_a_spec_survives_its_own_json() -> None:
    for body in (SMALL, EXAMPLE):
        one = parse(body)
        assert parse(one.model_dump_json()) == one == parse(one)


def test_numbers_that_are_not_finite_are_refused() -> None:
    assert wrong(training={"optimizer": {"kind": "adam", "learning_rate": float("nan")}})
    assert wrong(tasks=[{"kind": "latch", "noise": float("inf")}])


def test_an_impossible_spec_is_refused_with_all_its_flaws() -> None:
    with pytest.raises(SpecImpossible) as error:
        parse(SMALL | {"lengths": None, "models": [{"kind": "rnn"}, {"kind": "rnn"}]})
    assert str(error.value).splitlines() == [
        "models.1: Is the same as models[0]; give it once.", "lengths: The task latch needs lengths, e.g. [2, 10, 50]."
    ]  # fmt: skip


def test_solved_if_takes_exactly_one_bound() -> None:
    for bounds in ({}, {"at_least": 0.5, "at_most": 0.5}):
        assert wrong(report={"solved_if": {"metric": "test_loss", **bounds}})


@pytest.mark.parametrize(
    ("bound", "value", "solved"),
    [({"at_least": 0.99}, 0.99, True), ({"at_least": 0.99}, 0.98, False), ({"at_most": 0.1}, 0.1, True),
     ({"at_most": 0.1}, 0.2, False),
     ({"at_most": 0.0}, 0.0, True), ({"at_most_share_of_variance": 0.01}, 0.02, True),
     ({"at_most_share_of_variance": 0.01}, 0.021, False),
     ({"at_least": 0.0}, float("inf"), False), ({"at_least": 0.0}, float("nan"), False)],
)  # fmt: skip
def test_a_bound_holds_or_not(bound: dict[str, float], value: float, solved: bool) -> None:
    assert SolvedIf(metric="test_loss", **bound).holds({"test_loss": value}, variance=2.0) is solved
    assert SolvedIf(metric="test_loss", **bound).holds({}, variance=2.0) is False


def test_a_malformed_spec_is_told_with_one_sentence_for_each_wrong_field() -> None:
    spoilt = {"tasks": [{"kind": "latsch"}], "models": [{"kind": "rnn", "hidden_size": 0}], "repeats": "3"}
    with pytest.raises(SpecMalformed) as caught:
        parse(SMALL | spoilt)
    task, model, repeats = str(caught.value).splitlines()
    assert task.startswith("tasks.0.kind: kind must be one of ")
    assert task.endswith("not 'latsch'.")
    assert model == "models.0.hidden_size: hidden_size must be between 1 and 4096, not 0."
    assert repeats == "repeats: repeats must be a whole number, not '3'."


def test_what_is_no_spec_at_all_is_told_in_a_sentence() -> None:
    with pytest.raises(SpecMalformed, match=r"^The spec must be an object, not a list\.$"):
        parse("[]")
    with pytest.raises(SpecMalformed, match=r"^The spec is not valid JSON: "):
        parse("{")
