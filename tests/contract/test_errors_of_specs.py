"""A wrong experiment spec: each wrong field is named in the client's own path, all at once, and nothing is stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.problems import field_errors, message, told
from tests.contract.stage import SMALL, Stage

SOUND: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}],
    "lengths": [2, 5],
    "training": SMALL,
}
OPTIMIZER = "#/training/optimizer"


def adam(**fields: Any) -> dict[str, Any]:
    return {"training": {"optimizer": {"kind": "adam", **fields}}}


WRONG: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "unknown task": ({"tasks": [{"kind": "nope"}]}, {"#/tasks/0/kind": "unknown_kind"}),
    "unknown model": ({"models": [{"kind": "rnn"}, {"kind": "nope"}]}, {"#/models/1/kind": "unknown_kind"}),
    "unknown probe": ({"probes": [{"kind": "nope"}]}, {"#/probes/0/kind": "unknown_kind"}),
    "unknown optimizer": ({"training": {"optimizer": {"kind": "x"}}}, {f"{OPTIMIZER}/kind": "unknown_kind"}),
    "missing kind": ({"models": [{"hidden_size": 3}]}, {"#/models/0/kind": "missing"}),
    "kind of null": ({"models": [{"kind": None}]}, {"#/models/0/kind": "unknown_kind"}),
    "unknown field": ({"foo": 1}, {"#/foo": "unknown_field"}),
    "unknown field of a part": ({"models": [{"kind": "rnn", "a/b~": 1}]}, {"#/models/0/a~1b~0": "unknown_field"}),
    "two goals of a match": (
        {"models": [{"kind": "rnn", "match": {"parameters": 9, "state_size": 9}}]},
        {"#/models/0/match": "one_goal"},
    ),
    "no goal of a match": ({"match": {}}, {"#/match": "one_goal"}),
    "unknown goal": ({"match": {"size": 9}}, {"#/match/size": "unknown_field"}),
    "nothing to match": ({"match": {"parameters": 0}}, {"#/match/parameters": "out_of_range"}),
    "more than a network may have": (
        {"match": {"parameters": 1_000_000_000}},
        {"#/match/parameters": "out_of_range"},
    ),
    "a match that no width fulfils": (
        {"models": [{"kind": "attention", "match": {"inner_parameters": 5000}}]},
        {"#/models/0/match/inner_parameters": "no_match"},
    ),
    "a match that no model fulfils": (
        {"models": [{"kind": "mlp"}, {"kind": "cnn"}], "match": {"state_size": 8}},
        {"#/match/state_size": "no_match"},
    ),
    "a match beside a width": (
        {"models": [{"kind": "rnn", "hidden_size": 3, "match": {"parameters": 5000}}]},
        {"#/models/0/hidden_size": "does_not_apply"},
    ),
    "heads that don't go with the width": (
        {"models": [{"kind": "attention", "hidden_size": 32, "heads": 3}]},
        {"#/models/0/heads": "out_of_range"},
    ),
    "text for a number": ({"repeats": "3"}, {"#/repeats": "wrong_type"}),
    "true for a number": ({"repeats": True}, {"#/repeats": "wrong_type"}),
    "fraction for a count": ({"repeats": 3.0}, {"#/repeats": "wrong_type"}),
    "object for a list": ({"tasks": {"kind": "latch"}}, {"#/tasks": "wrong_type"}),
    "text for a part": ({"tasks": ["latch"]}, {"#/tasks/0": "wrong_type"}),
    "null for a list": ({"models": None}, {"#/models": "wrong_type"}),
    "length of one": ({"lengths": [5, 1, 7]}, {"#/lengths/1": "out_of_range"}),
    "lengths of nothing": ({"lengths": [5, 0, -3]}, {"#/lengths/1": "out_of_range", "#/lengths/2": "out_of_range"}),
    "short logarithmic range": (
        {"lengths": {"log": {"low": 1, "high": 9, "count": 3}}},
        {"#/lengths/log/low": "out_of_range"},
    ),
    "range upside down": ({"lengths": {"log": {"low": 9, "high": 2, "count": 3}}}, {"#/lengths/log": "out_of_order"}),
    "no tasks": ({"tasks": []}, {"#/tasks": "too_short"}),
    "no models": ({"models": []}, {"#/models": "too_short"}),
    "no lengths": ({"lengths": []}, {"#/lengths": "too_short"}),
    "lengths left out": ({"lengths": None}, {"#/lengths": "missing"}),
    "the same model twice": ({"models": [{"kind": "rnn"}, {"kind": "rnn"}]}, {"#/models/1": "duplicate"}),
    "probe outside": ({"probes": [{"kind": "change", "index": 2}]}, {"#/probes/0/index": "out_of_range"}),
    "probe before the start": ({"probes": [{"kind": "change", "index": -3}]}, {"#/probes/0/index": "out_of_range"}),
    "probe of another problem": ({"probes": [{"kind": "blinding"}]}, {"#/probes/0": "does_not_apply"}),
    "no bound": ({"report": {"solved_if": {"metric": "test_loss"}}}, {"#/report/solved_if": "one_bound"}),
    "unknown metric": (
        {"report": {"solved_if": {"metric": "x", "at_most": 1}}},
        {"#/report/solved_if/metric": "not_allowed"},
    ),
    "unknown device": ({"device": "tpu"}, {"#/device": "not_allowed"}),
    "null character in the name": ({"name": "a\0b"}, {"#/name": "control_character"}),
    "null character in a label": ({"labels": ["good", "a\0b"]}, {"#/labels/1": "control_character"}),
    "empty label": ({"labels": [""]}, {"#/labels/0": "too_short"}),
    "priority": ({"priority": 11}, {"#/priority": "too_large"}),
}

ABSURD: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "repeats": ({"repeats": 10**9}, {"#/repeats": "out_of_range"}, "1000"),
    "repeats of thirty digits": ({"repeats": 10**30}, {"#/repeats": "out_of_range"}, "1000"),
    "length": ({"lengths": [2, 10**9]}, {"#/lengths/1": "out_of_range"}, "10000"),
    "logarithmic count": (
        {"lengths": {"log": {"low": 2, "high": 9, "count": 10**9}}},
        {"#/lengths/log/count": "too_large"},
        "1000",
    ),
    "epochs": ({"training": {"epochs": 10**9}}, {"#/training/epochs": "out_of_range"}, "100000"),
    "train_size": ({"training": {"train_size": 10**12}}, {"#/training/train_size": "out_of_range"}, "1000000"),
    "hidden_size": (
        {"models": [{"kind": "rnn", "hidden_size": 10**6}]},
        {"#/models/0/hidden_size": "out_of_range"},
        "4096",
    ),
    "hidden_size in a stack": (
        {"models": [{"kind": "rnn"}, {"kind": "lstm", "hidden_size": [4, 10**6]}]},
        {"#/models/1/hidden_size/1": "out_of_range"},
        "4096",
    ),
    "learning_rate": (adam(learning_rate=1e300), {f"{OPTIMIZER}/learning_rate": "too_large"}, "100"),
    "name": ({"name": "x" * 100_000}, {"#/name": "too_long"}, "200"),
    "label": ({"labels": ["x" * 100_000]}, {"#/labels/0": "too_long"}, "64"),
    "seed": ({"seed": 2**60}, {"#/seed": "too_large"}, "9007199254740991"),
    "grid": ({"repeats": 1_000, "lengths": list(range(2, 1_000))}, {"#/repeats": "grid_too_large"}, "100000"),
    "grid by its lengths": (
        {"repeats": 400, "lengths": list(range(2, 1_000))},
        {"#/lengths": "grid_too_large"},
        "100000",
    ),
    "data": (
        {"lengths": [10_000], "training": {"train_size": 10**6}},
        {"#/training/train_size": "data_too_large"},
        "200000000",
    ),
    "network": (
        {"models": [{"kind": "lstm", "hidden_size": [4096] * 16}]},
        {"#/models/0": "network_too_large"},
        "100000000",
    ),
}


@pytest.mark.parametrize(("changes", "expected"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_field_is_named_in_the_clients_path(
    stage: Stage, changes: dict[str, Any], expected: dict[str, str]
) -> None:
    before = stage.rows()
    assert field_errors(stage.client.post("/experiments", json=SOUND | changes)) == expected
    assert stage.rows() == before


@pytest.mark.parametrize(("changes", "expected", "limit"), ABSURD.values(), ids=list(ABSURD))
def test_an_absurd_size_is_refused_with_its_limit_and_what_was_given(
    stage: Stage, changes: dict[str, Any], expected: dict[str, str], limit: str
) -> None:
    before = stage.rows()
    answer = stage.client.post("/experiments", json=SOUND | changes)
    assert field_errors(answer) == expected
    assert limit in message(answer, next(iter(expected)))
    assert len(answer.content) < 5_000, "an answer doesn't grow with the absurdity"
    assert stage.rows() == before


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", '"NaN"', '"Infinity"', '"-Infinity"'])
def test_numbers_that_are_not_finite_are_refused(stage: Stage, value: str) -> None:
    body = '{"tasks": [{"kind": "latch", "noise": VALUE}], "models": [{"kind": "rnn"}]}'.replace("VALUE", value)
    code = "wrong_type" if value.startswith('"') else "not_finite"
    assert field_errors(stage.client.post("/experiments", content=body))["#/tasks/0/noise"] == code


def test_everything_that_is_wrong_is_told_at_once(stage: Stage) -> None:
    body = {
        "tasks": [{"kind": "latch", "noise": -1}, {"kind": "nope"}, {"kind": "latch"}],
        "models": [{"kind": "nope"}, {"kind": "rnn", "size": 1}, {"kind": "lstm"}, {"kind": "lstm"}],
        "lengths": [2, "x", 1],
        "training": {"optimizer": {"kind": "adam", "learning_rate": 0}, "epochs": "x"},
        "probes": [{"kind": "nope"}, {"kind": "change", "index": 7}],
        "repeats": 0,
        "foo": 1,
    }
    assert field_errors(stage.client.post("/experiments", json=body)) == {
        "#/tasks/0/noise": "too_small",
        "#/tasks/1/kind": "unknown_kind",
        "#/models/0/kind": "unknown_kind",
        "#/models/1/size": "unknown_field",
        "#/models/3": "duplicate",
        "#/lengths/1": "wrong_type",
        "#/lengths/2": "out_of_range",
        "#/training/optimizer/learning_rate": "too_small",
        "#/training/epochs": "wrong_type",
        "#/probes/0/kind": "unknown_kind",
        "#/probes/1/index": "out_of_range",
        "#/repeats": "out_of_range",
        "#/foo": "unknown_field",
    }


def test_flaws_of_the_grid_are_told_together(stage: Stage) -> None:
    changes = {
        "lengths": [9, 1, 7],
        "models": [{"kind": "rnn"}, {"kind": "rnn"}, {"kind": "lstm", "hidden_size": [4096] * 16}],
        "probes": [{"kind": "change", "index": 8}],
    }
    assert field_errors(stage.client.post("/experiments", json=SOUND | changes)) == {
        "#/models/1": "duplicate",
        "#/models/2": "network_too_large",
        "#/lengths/1": "out_of_range",
        "#/probes/0/index": "out_of_range",
    }


def test_what_only_follows_from_a_wrong_field_is_not_told(stage: Stage) -> None:
    """Without its wrong size the second model would be the first again, and without lengths none would be there."""
    changes = {"models": [{"kind": "rnn"}, {"kind": "rnn", "hidden_size": "x"}], "lengths": ["a"]}
    assert field_errors(stage.client.post("/experiments", json=SOUND | changes)) == {
        "#/models/1/hidden_size": "wrong_type",
        "#/lengths/0": "wrong_type",
    }


@pytest.mark.parametrize("body", [[], "x", 3, None])
def test_a_body_that_is_no_object_is_named_as_such(stage: Stage, body: object) -> None:
    assert field_errors(stage.client.post("/experiments", content=json.dumps(body))) == {"#": "wrong_type"}


def test_an_empty_object_lacks_tasks_and_models(stage: Stage) -> None:
    assert field_errors(stage.client.post("/experiments", json={})) == {"#/tasks": "missing", "#/models": "missing"}


def test_a_key_given_twice_is_refused_wherever_it_stands(stage: Stage) -> None:
    tasks, models = '[{"kind": "latch", "noise": 1, "noise": 2}]', '[{"kind": "rnn"}]'
    body = f'{{"tasks": {tasks}, "models": {models}, "lengths": [2], "lengths": [3]}}'
    assert field_errors(stage.client.post("/experiments", content=body)) == {
        "#/tasks/0/noise": "duplicate_key",
        "#/lengths": "duplicate_key",
    }


def test_a_number_of_thousands_of_digits_is_refused(stage: Stage) -> None:
    body = json.dumps(SOUND)[:-1] + ', "repeats": ' + "9" * 5_000 + "}"
    assert stage.client.post("/experiments", content=body).status_code in (400, 422)


def test_a_dry_run_names_the_same_faults_and_stores_nothing(stage: Stage) -> None:
    before = stage.rows()
    wrong = stage.client.post("/experiments?dry_run=true", json=SOUND | {"lengths": [2, 1]})
    assert field_errors(wrong) == {"#/lengths/1": "out_of_range"}
    planned = stage.client.post("/experiments?dry_run=true", json=SOUND)
    assert planned.status_code == 200
    assert planned.json()["runs"] == 10
    assert stage.rows() == before


def test_the_sentence_of_several_faults_counts_them(stage: Stage) -> None:
    answer = stage.client.post("/experiments", json=SOUND | {"foo": 1, "repeats": 0})
    assert told(answer, 422)["detail"].startswith("2 fields are wrong")
