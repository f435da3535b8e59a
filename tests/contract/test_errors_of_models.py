"""Wrong questions to stored models: predictions and probes name what they expect and what was given."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.contract.problems import field_errors, message, told
from tests.contract.stage import LATCH, Stage

Checkpoints = dict[tuple[str, str, int], str]


@pytest.fixture(scope="module")
def checkpoints(client: TestClient, finished: dict[str, Any]) -> Checkpoints:
    """A checkpoint of each condition, by task, model and length."""
    runs = client.get(finished["links"]["runs"]).json()["items"]
    return {
        (run["task"]["kind"], run["model"]["kind"], run["length"]): client.get(f"/runs/{run['id']}").json()[
            "checkpoints"
        ][0]["id"]
        for run in runs
    }


@pytest.fixture(scope="module")
def recurrent(checkpoints: Checkpoints) -> str:
    return checkpoints["latch", "rnn", 5]


@pytest.fixture(scope="module")
def dense(checkpoints: Checkpoints) -> str:
    return checkpoints["latch", "mlp", 5]


WRONG_INPUTS: dict[str, tuple[str, dict[str, str]]] = {
    "one dimension": ("[1, 2]", {"#/inputs": "wrong_shape"}),
    "a number": ("3", {"#/inputs": "wrong_shape"}),
    "null": ("null", {"#/inputs": "wrong_shape"}),
    "an object": ('{"a": 1}', {"#/inputs": "wrong_shape"}),
    "two channels": ("[[[1, 2], [3, 4]]]", {"#/inputs": "wrong_shape"}),
    "four dimensions": ("[[[[1]]]]", {"#/inputs": "wrong_shape"}),
    "a hundred dimensions": ("[" * 100 + "1" + "]" * 100, {"#/inputs": "wrong_shape"}),
    "no sequences": ("[]", {"#/inputs": "wrong_shape"}),
    "no steps": ("[[]]", {"#/inputs": "wrong_shape"}),
    "no channels": ("[[[]]]", {"#/inputs": "wrong_shape"}),
    "ragged": ("[[1, 2, 3], [1, 2], [1]]", {"#/inputs/1": "wrong_shape", "#/inputs/2": "wrong_shape"}),
    "a number among lists": ("[[1, 2], 3]", {"#/inputs/1": "wrong_shape"}),
    "a list among numbers": ("[[1, [2]]]", {"#/inputs/0/1": "wrong_type"}),
    "texts": ('[[1, "a"], ["2", 1]]', {"#/inputs/0/1": "wrong_type", "#/inputs/1/0": "wrong_type"}),
    "truth": ("[[true, 1]]", {"#/inputs/0/0": "wrong_type"}),
    "null among numbers": ("[[1, null]]", {"#/inputs/0/1": "wrong_type"}),
    "NaN": ("[[1, NaN], [Infinity, 1]]", {"#/inputs/0/1": "not_finite", "#/inputs/1/0": "not_finite"}),
    "NaN as a text": ('[[1, "NaN"]]', {"#/inputs/0/1": "wrong_type"}),
    "beyond any float": ("[[1, 1e999]]", {"#/inputs/0/1": "not_finite"}),
    "beyond a 32-bit float": ("[[1, 1e300]]", {"#/inputs/0/1": "not_finite"}),
    "four hundred digits": (f"[[1, {10**400}]]", {"#/inputs/0/1": "not_finite"}),
    "too long": (json.dumps([[0] * 10_001]), {"#/inputs": "too_long"}),
}


@pytest.mark.parametrize(("inputs", "expected"), WRONG_INPUTS.values(), ids=list(WRONG_INPUTS))
def test_wrong_inputs_are_named_by_their_place(
    client: TestClient, recurrent: str, inputs: str, expected: dict[str, str]
) -> None:
    answer = client.post(f"/checkpoints/{recurrent}/predictions", content=f'{{"inputs": {inputs}}}')
    assert field_errors(answer) == expected


def test_a_wrong_shape_names_the_expected_and_the_given_one(client: TestClient, recurrent: str, dense: str) -> None:
    answer = client.post(f"/checkpoints/{recurrent}/predictions", json={"inputs": [[[1, 2]]]})
    assert "(B, T, 1) or (B, T); given (1, 1, 2)" in message(answer, "#/inputs")
    answer = client.post(f"/checkpoints/{dense}/predictions", json={"inputs": [[1, 2, 3]]})
    assert "(B, 5, 1) or (B, 5); given (1, 3)" in message(answer, "#/inputs")


def test_a_recurrent_model_answers_sequences_of_any_length(client: TestClient, recurrent: str) -> None:
    answer = client.post(f"/checkpoints/{recurrent}/predictions", json={"inputs": [[1, 0, 0], [-1, 0, 0]]}).json()
    assert answer["shape"] == [2, 2]
    assert answer["checkpoint"] == recurrent
    assert all(abs(sum(row) - 1) < 1e-6 for row in answer["outputs"]), "probabilities"


def test_one_channel_may_be_left_out(client: TestClient, recurrent: str) -> None:
    path = f"/checkpoints/{recurrent}/predictions"
    flat, deep = client.post(path, json={"inputs": [[1, 2]]}), client.post(path, json={"inputs": [[[1], [2]]]})
    assert flat.json() == deep.json()


def test_a_body_without_inputs_or_with_more_is_refused(client: TestClient, recurrent: str) -> None:
    answer = client.post(f"/checkpoints/{recurrent}/predictions", json={"input": [[1]]})
    assert field_errors(answer) == {"#/inputs": "missing", "#/input": "unknown_field"}


def test_too_many_values_are_a_413_that_names_the_cap(client: TestClient, recurrent: str) -> None:
    body = b'{"inputs": [[' + b"0," * 4_000_001 + b"0]]}"
    assert "4000000" in told(client.post(f"/checkpoints/{recurrent}/predictions", content=body), 413)["detail"]


PROBES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "index outside": ({"kind": "change", "index": 5}, {"#/index": "out_of_range"}),
    "index before the start": ({"kind": "change", "index": -6}, {"#/index": "out_of_range"}),
    "index of thirty digits": ({"kind": "change", "index": 10**30}, {"#/index": "out_of_range"}),
    "another problem": ({"kind": "blinding"}, {"#": "does_not_apply"}),
    "unknown kind": ({"kind": "nope"}, {"#/kind": "unknown_kind"}),
    "no kind": ({}, {"#/kind": "missing"}),
    "unknown field": ({"kind": "change", "foo": 1}, {"#/foo": "unknown_field"}),
    "no percent": ({"kind": "change", "percent": "x"}, {"#/percent": "wrong_type"}),
}


@pytest.mark.parametrize(("spec", "expected"), PROBES.values(), ids=list(PROBES))
def test_a_wrong_probe_of_a_checkpoint_is_named(
    stage: Stage, recurrent: str, spec: dict[str, Any], expected: dict[str, str]
) -> None:
    before = stage.rows()
    assert field_errors(stage.client.post(f"/checkpoints/{recurrent}/probes", json=spec)) == expected
    assert stage.rows() == before


@pytest.mark.parametrize(("spec", "expected"), PROBES.values(), ids=list(PROBES))
def test_a_wrong_probe_of_an_experiment_is_named_below_probe(
    stage: Stage, finished: dict[str, Any], spec: dict[str, Any], expected: dict[str, str]
) -> None:
    body = {"probe": spec, "where": {"tasks": ["latch"], "lengths": [5]}}
    below = {pointer.replace("#", "#/probe"): code for pointer, code in expected.items()}
    before = stage.rows()
    assert field_errors(stage.client.post(f"/experiments/{finished['id']}/probes", json=body)) == below
    assert stage.rows() == before


@pytest.mark.parametrize("where", [{"lengths": [99]}, {"models": ["gru"]}, {"tasks": []}, {"lengths": [10**30]}])
def test_conditions_that_are_not_there_are_named(
    client: TestClient, finished: dict[str, Any], where: dict[str, Any]
) -> None:
    answer = client.post(f"/experiments/{finished['id']}/probes", json={"probe": {"kind": "change"}, "where": where})
    assert field_errors(answer) == {"#/where": "no_match"}


def test_a_wrong_where_is_named_field_by_field(client: TestClient, finished: dict[str, Any]) -> None:
    body = {"probe": {"kind": "change"}, "where": {"lengths": ["x"], "foo": 1}, "checkpoint": "worst"}
    assert field_errors(client.post(f"/experiments/{finished['id']}/probes", json=body)) == {
        "#/where/lengths/0": "wrong_type",
        "#/where/foo": "unknown_field",
        "#/checkpoint": "not_allowed",
    }


@pytest.mark.parametrize("wait", ["1e9", "nan", "inf", "-1", "x", "60.5"])
def test_a_wait_without_end_is_refused(client: TestClient, finished: dict[str, Any], recurrent: str, wait: str) -> None:
    probe = {"kind": "change", "index": 0}
    assert set(field_errors(client.post(f"/checkpoints/{recurrent}/probes?wait={wait}", json=probe))) == {"?wait"}
    answer = client.post(f"/experiments/{finished['id']}/probes?wait={wait}", json={"probe": probe})
    assert set(field_errors(answer)) == {"?wait"}


def test_models_that_are_not_trained_yet_are_a_409(stage: Stage) -> None:
    waiting = stage.submit(LATCH, name="never trained")
    answer = stage.client.post(f"/experiments/{waiting['id']}/probes", json={"probe": {"kind": "change"}})
    assert "not finished" in told(answer, 409)["detail"]
    stage.client.post(f"/experiments/{waiting['id']}/cancel")


def test_unknown_models_are_a_404(client: TestClient) -> None:
    told(client.post("/checkpoints/ckpt-999999/predictions", json={"inputs": [[1]]}), 404)
    told(client.post("/checkpoints/ckpt-999999/probes", json={"kind": "change"}), 404)
    told(client.post("/experiments/exp-999999/probes", json={"probe": {"kind": "change"}}), 404)
