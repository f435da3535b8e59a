"""Large predictions: questions are read in pieces, answers are capped before they are computed, and neither is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.middleware.body import MAX_VALUES
from tests.contract.problems import field_errors, message, told
from tests.contract.stage import SMALL, Stage

REGRESSION: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}],
    "lengths": [2],
    "training": SMALL,
    "repeats": 1,
}
KEY = {"Idempotency-Key": "large-prediction-1"}


@pytest.fixture(scope="module")
def path(stage: Stage) -> str:
    """Where a small recurrent model is asked."""
    experiment = stage.finish(REGRESSION)
    run = stage.client.get(experiment["links"]["runs"]).json()["items"][0]["id"]
    return f"/checkpoints/{stage.client.get(f'/runs/{run}').json()['checkpoints'][0]['id']}/predictions"


def sequences(count: int) -> bytes:
    rows = ",".join(f"[{index % 97 / 97},-0.25,0.5]" for index in range(count))
    return f'{{"inputs":[{rows}]}}'.encode()


def test_a_large_question_gets_the_answers_of_small_ones(stage: Stage, path: str) -> None:
    count = MAX_VALUES // 3 + 2_000
    body = sequences(count)
    assert body.count(b",") > MAX_VALUES
    large = stage.client.post(path, content=body).json()
    assert large["shape"][0] == len(large["outputs"]) == count
    few = stage.client.post(path, content=sequences(97)).json()
    assert set(large) == set(few)
    for first in (0, 97 * 100):
        for mine, theirs in zip(large["outputs"][first : first + 97], few["outputs"], strict=True):
            assert mine == pytest.approx(theirs, abs=1e-6)


def test_an_answer_that_is_too_large_is_refused_before_it_is_computed(stage: Stage, path: str) -> None:
    before = stage.context.meters.predictions._value.get()
    body = b'{"inputs":[' + b",".join([b"[1,2]"] * 1_000_001) + b"]}"
    answer = stage.client.post(path, content=body)
    assert field_errors(answer) == {"#/inputs": "answer_too_large"}
    said = message(answer, "#/inputs")
    assert "The answer to 1000001 sequences would hold" in said
    assert "at most 1000000 are answered (MEMSPAN_MAX_ANSWER_VALUES)" in said
    assert stage.context.meters.predictions._value.get() == before


def test_a_keyed_prediction_leaves_the_database_as_large_as_it_was(stage: Stage, path: str) -> None:
    body = sequences(60_000)
    first, again = (stage.client.post(path, content=body, headers=KEY) for _ in range(2))
    assert first.content == again.content
    assert len(first.content) > 1_000_000
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    with stage.context.database.reading() as connection:
        rows = connection.exec_driver_sql("select status, body from answers where key like '%large-prediction-1'").all()
    assert [tuple(row) for row in rows] == [(200, None)]
    assert told(stage.client.post(path, content=sequences(3), headers=KEY), 422)["errors"][0]["code"] == "key_reused"


def test_a_large_body_of_anything_else_is_too_large(stage: Stage, path: str) -> None:
    body = json.dumps({"inputs": [None, "text"] * MAX_VALUES}).encode()
    problem = told(stage.client.post(path, content=body), 413)
    assert '{"inputs": [...]} with nested lists of numbers alone' in problem["detail"]
