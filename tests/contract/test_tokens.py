"""Tasks of tokens over HTTP: answers by lag wherever runs are told, tokens in samples and predictions."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.contract.problems import field_errors, message
from tests.contract.stage import SMALL, Stage

RECALL = {"kind": "recall", "pairs": 2, "vocabulary": 12}
SPEC: dict[str, Any] = {
    "tasks": [RECALL],
    "models": [
        {"kind": "attention", "hidden_size": 8, "layers": 1, "short_convolution": 2},
        {"kind": "gru", "hidden_size": 1},
    ],
    "lengths": [16],
    "training": SMALL,
    "repeats": 2,
}


@pytest.fixture(scope="module")
def trained(stage: Stage) -> dict[str, Any]:
    return stage.finish(SPEC)


def run_of(stage: Stage, trained: dict[str, Any], model: str = "attention") -> dict[str, Any]:
    runs = stage.client.get(trained["links"]["runs"]).json()["items"]
    return stage.client.get(f"/runs/{next(r['id'] for r in runs if r['model']['kind'] == model)}").json()


def test_each_run_stores_its_answers_by_lag(stage: Stage, trained: dict[str, Any]) -> None:
    for model in ("attention", "gru"):
        run = run_of(stage, trained, model)
        counts, test = run["by_lag"], SMALL["test_size"]
        assert sum(counts["asked"]) == 2 * test
        assert sum(counts["correct"]) / sum(counts["asked"]) == pytest.approx(run["metrics"]["test_accuracy"])
        assert set(run["metrics"]) == {
            f"{split}_{name}" for split in ("train", "validation", "test") for name in ("loss", "accuracy", "exact")
        }


def test_results_tell_accuracy_by_lag_over_runs(stage: Stage, trained: dict[str, Any]) -> None:
    document = stage.client.get(trained["links"]["results"]).json()
    for condition in document["conditions"]:
        found = condition["by_lag"]
        bins = len(found["lag"])
        assert bins > 2
        assert found["n"] == 2
        assert all(len(found[name]) == bins for name in ("first", "last", "accuracy", "low", "high", "asked"))
        assert condition["engine"] == "torch"
    page = stage.client.get(trained["links"]["results"], headers={"Accept": "text/html"}).text
    assert "Accuracy by lag" in page
    figure = stage.client.get(f"{trained['links']['results']}/figures/by_lag").json()
    assert "lag:Q" not in json.dumps(figure["$schema"])
    assert json.dumps(figure).count('"lags"') > bins


def test_exports_have_the_answers_by_lag(stage: Stage, trained: dict[str, Any]) -> None:
    path = trained["links"]["results"]
    rows = list(csv.DictReader(io.StringIO(stage.client.get(f"{path}?format=csv").text)))
    records = [json.loads(line) for line in stage.client.get(f"{path}?format=jsonl").text.splitlines()]
    assert [json.loads(row["by_lag"]) for row in rows] == [record["by_lag"] for record in records]
    assert sum(records[0]["by_lag"]["asked"]) == 2 * SMALL["test_size"]


def test_samples_show_tokens_and_what_each_answer_depends_on(stage: Stage) -> None:
    body = {"task": {"pairs": 2, "vocabulary": 12}, "length": 16, "count": 2}
    told = stage.client.post("/tasks/recall/samples", json=body).json()
    shown, answers = told["inputs"][0], told["answers"][0]
    assert all(isinstance(step[0], int) for step in shown)
    assert len(answers) == 2
    for answer in answers:
        key, value, own = answer["relevant"]
        assert (own, own - key) == (answer["step"], answer["lag"])
        assert shown[key] == shown[own]
        assert [told["targets"][0][own]] == shown[value]


def test_predictions_take_tokens_and_nothing_else(stage: Stage, trained: dict[str, Any]) -> None:
    checkpoint = run_of(stage, trained)["checkpoints"][0]["id"]
    path = f"/checkpoints/{checkpoint}/predictions"
    tokens = [3, 8, 1, 7, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 11]
    answer = stage.client.post(path, json={"inputs": [tokens]}).json()
    assert answer["shape"] == [1, 16, 12]
    assert sum(answer["outputs"][0][4]) == pytest.approx(1, abs=1e-5)
    refused = stage.client.post(path, json={"inputs": [tokens, [12, -1, 0.5, *tokens[3:]]]})
    assert field_errors(refused) == {f"#/inputs/1/{step}": "out_of_range" for step in range(3)}
    assert "Must be a token, a whole number from 0 to 11; given 12." in message(refused, "#/inputs/1/0")


@pytest.mark.parametrize(
    ("fields", "lengths", "pointer", "said"),
    [
        ({"pairs": 8, "vocabulary": 16}, [64], "#/tasks/0/vocabulary", "at least 18 tokens; given 16"),
        ({"vocabulary": 63}, [64], "#/tasks/0/vocabulary", "Must be even"),
        ({"pairs": 8}, [16, 64], "#/lengths", "needs at least 32 steps; given 16"),
        ({"power": 0}, [64], "#/tasks/0/power", "0"),
        ({"filler": "noise"}, [64], "#/tasks/0/filler", "blank"),
    ],
)
def test_impossible_sizes_are_named_with_the_limit_and_what_was_given(
    stage: Stage, fields: dict[str, Any], lengths: list[int], pointer: str, said: str
) -> None:
    body = {"tasks": [{"kind": "recall", **fields}], "models": [{"kind": "attention"}], "lengths": lengths}
    refused = stage.client.post("/experiments?dry_run=true", json=body)
    assert refused.status_code == 422
    found = next(each for each in refused.json()["errors"] if each["pointer"].startswith(pointer))
    assert said in found["message"]


def test_probes_that_change_numbers_say_why_they_cant_be_asked_of_tokens(stage: Stage) -> None:
    asked = {**SPEC, "probes": [{"kind": "blinding"}]}
    refused = stage.client.post("/experiments?dry_run=true", json=asked)
    assert field_errors(refused) == {"#/probes/0": "does_not_apply"}
    assert "recall shows tokens" in message(refused, "#/probes/0")


def test_models_that_read_a_whole_sequence_at_once_say_why_they_cant(stage: Stage) -> None:
    refused = stage.client.post("/experiments?dry_run=true", json={**SPEC, "models": [{"kind": "mlp"}]})
    assert field_errors(refused) == {"#/models/0": "does_not_apply"}
