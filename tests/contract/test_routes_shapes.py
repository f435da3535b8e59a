"""What answers look like: the fields that the contract names, and numbers that JSON can't hold."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from memspan.figures.catalogue import FIGURES
from tests.contract.stage import SMALL, Stage

RUN = {
    "id", "experiment", "task", "model", "length", "repeat", "seed", "state", "reason", "diverged_at", "attempt",
    "engine", "seconds",
}  # fmt: skip
STATISTIC = {"n", "mean", "std", "median", "low", "high"}
METRICS = {f"{split}_{name}" for split in ("train", "validation", "test") for name in ("loss", "accuracy")}


@pytest.fixture(scope="module")
def results(client: TestClient, finished: dict[str, Any]) -> dict[str, Any]:
    return dict(client.get(finished["links"]["results"]).json())


def test_an_experiment_shows_what_was_accepted_and_how_far_it_is(finished: dict[str, Any]) -> None:
    assert set(finished) == {
        "id", "name", "state", "cancelling", "owner", "study", "spec", "runs", "progress", "eta_seconds", "created_at",
        "started_at", "finished_at", "links",
    }  # fmt: skip
    assert finished["runs"] == {"total": 24, "queued": 0, "running": 0, "succeeded": 24, "failed": 0, "cancelled": 0}
    assert finished["progress"] == {"completed": 48, "total": 48, "unit": "epochs"}
    assert finished["spec"]["training"]["optimizer"]["learning_rate"] == 0.001, "defaults are shown"


def test_submitting_answers_201_with_its_location(stage: Stage, finished: dict[str, Any]) -> None:
    answer = stage.client.post("/experiments", json=finished["spec"])
    assert answer.status_code == 201
    assert answer.headers["location"] == answer.json()["links"]["self"]
    assert answer.json()["spec"] == finished["spec"], "what is shown can be posted again"
    stage.client.post(f"{answer.headers['location']}/cancel")


def test_the_smallest_spec_gets_the_agreed_defaults(client: TestClient) -> None:
    small = {"tasks": [{"kind": "latch"}], "models": [{"kind": "rnn"}], "lengths": [5, 2, 5]}
    spec = client.post("/experiments?dry_run=true", json=small).json()["spec"]
    assert spec["lengths"] == [2, 5], "a set"
    assert spec["models"][0]["hidden_size"] == 16
    training = spec["training"]
    assert (training["batch_size"], training["epochs"], training["data"]) == (16, 5, "fixed")
    assert (training["train_size"], training["validation_size"], training["test_size"]) == (8000, 2000, 10000)
    assert (training["weight_decay"], training["clip_norm"]) == (0, None)
    optimizer = training["optimizer"]
    assert (optimizer["kind"], optimizer["learning_rate"], optimizer["epsilon"]) == ("adam", 0.001, 1e-7)


def test_a_plan_names_what_would_be_done(client: TestClient, finished: dict[str, Any]) -> None:
    plan = client.post("/experiments?dry_run=true", json=finished["spec"]).json()
    assert {"conditions", "runs", "populations", "parameters", "warnings", "estimated_seconds", "basis"} <= set(plan)
    assert (plan["conditions"], plan["runs"]) == (12, 24)
    assert {warning["pointer"] for warning in plan["warnings"]} == {"#/repeats", "#/lengths", "#/training/epochs"}


def test_the_results_have_the_agreed_fields_and_no_other_word_for_them(results: dict[str, Any]) -> None:
    names = {
        "experiment", "conditions", "spans", "searches", "tuning", "matched", "baselines", "comparisons", "rankings",
        "probes", "claims", "failures",
    }  # fmt: skip
    assert set(results) == names
    assert {"id", "state"} <= set(results["experiment"])
    for condition in results["conditions"]:
        assert set(condition) >= {
            "task", "model", "length", "runs", "metric", "metrics", "success", "parameters", "state_size",
            "receptive_field", "seconds_per_epoch", "engine", "budget", "convergence",
        }  # fmt: skip
        assert {"optimizer", "learning_rate", "steps", "sequences", "epochs"} <= set(condition["budget"])
        assert set(condition["convergence"]) == {"state", "runs"}
        assert set(condition["runs"]) == {"total", "succeeded", "failed", "diverged"}
        assert set(condition["success"]) == {"rate", "low", "high", "n"}
        assert set(condition["metrics"]) <= METRICS
        assert all(set(metric) == STATISTIC for metric in condition["metrics"].values())
    for span in results["spans"]:
        assert set(span) == {
            "task", "model", "span", "low", "high", "longest_solved", "censored", "written", "budget", "convergence",
            "by_budget",
        }  # fmt: skip
        assert span["budget"] == results["conditions"][0]["budget"]
        assert [point["epochs"] for point in span["by_budget"]] == [1, 2]
        assert span["censored"] in (None, "above", "below")
    for baseline in results["baselines"]:
        assert set(baseline) - {"length"} == {"task", "name", "metric", "value"}
    for probe in results["probes"]:
        assert set(probe) >= {"id", "kind", "spec", "task", "model", "length", "n", "state", "result"}


def test_the_results_cover_the_whole_grid(results: dict[str, Any]) -> None:
    places = [(c["task"]["kind"], c["model"]["kind"], c["length"]) for c in results["conditions"]]
    assert len(set(places)) == len(places) == 12
    assert len(results["spans"]) == 6
    assert len(results["probes"]) == 12
    assert all(probe["n"] == 2 for probe in results["probes"])
    regression = [c for c in results["conditions"] if c["task"]["kind"] == "first_last"]
    assert all(not any("accuracy" in name for name in c["metrics"]) for c in regression)


def test_an_interval_holds_its_mean(results: dict[str, Any]) -> None:
    for condition in results["conditions"]:
        for metric in condition["metrics"].values():
            assert metric["low"] <= metric["mean"] <= metric["high"]
        success = condition["success"]
        assert 0 <= success["low"] <= success["rate"] <= success["high"] <= 1


def test_a_run_has_the_agreed_fields(client: TestClient, finished: dict[str, Any]) -> None:
    listed = client.get(finished["links"]["runs"]).json()["items"][0]
    whole = client.get(f"/runs/{listed['id']}").json()
    assert set(listed) >= RUN
    assert not {"metrics", "checkpoints"} & set(listed)
    assert set(whole) - set(listed) == {"metrics", "by_lag", "checkpoints"}
    assert {name: value for name, value in whole.items() if name in listed} == listed
    assert {checkpoint["kind"] for checkpoint in whole["checkpoints"]} == {"best", "last"}
    assert all(set(checkpoint) == {"id", "kind", "epoch"} for checkpoint in whole["checkpoints"])


def test_the_metrics_of_a_run_are_told_by_epoch(client: TestClient, finished: dict[str, Any]) -> None:
    run = client.get(finished["links"]["runs"]).json()["items"][0]["id"]
    items = client.get(f"/runs/{run}/metrics").json()["items"]
    assert all(set(item) == {"split", "name", "epoch", "value"} for item in items)
    epochs = [item["epoch"] for item in items if (item["split"], item["name"]) == ("validation", "loss")]
    assert epochs == [1, 2]
    few = client.get(f"/runs/{run}/metrics?max_points=2").json()["items"]
    assert max(item["epoch"] for item in few) == 2


def test_a_checkpoint_names_its_lineage_and_shapes(client: TestClient, finished: dict[str, Any]) -> None:
    run = client.get(finished["links"]["runs"]).json()["items"][0]
    name = client.get(f"/runs/{run['id']}").json()["checkpoints"][0]["id"]
    checkpoint = client.get(f"/checkpoints/{name}").json()
    assert (checkpoint["run"], checkpoint["experiment"], checkpoint["seed"]) == (run["id"], finished["id"], run["seed"])
    assert checkpoint["bytes"] == len(client.get(checkpoint["links"]["weights"]).content)
    assert checkpoint["inputs"] == ["B", "T", 1]


def test_a_stored_probe_is_answered_at_once(client: TestClient, finished: dict[str, Any]) -> None:
    body = {"probe": {"kind": "change", "index": 0}, "where": {"models": ["lstm"], "lengths": [5]}}
    answer = client.post(f"/experiments/{finished['id']}/probes", json=body)
    assert answer.status_code == 200
    assert "location" not in answer.headers
    for probe in answer.json()["items"]:
        assert {"id", "kind", "state", "spec", "checkpoint", "condition", "weights", "result"} <= set(probe)
        assert probe["result"]["kind"] == "scalars"
        assert probe == client.get(f"/probes/{probe['id']}").json()


def test_a_new_probe_is_accepted_measured_and_then_stored(stage: Stage, finished: dict[str, Any]) -> None:
    run = stage.client.get(finished["links"]["runs"]).json()["items"][0]["id"]
    checkpoint = stage.client.get(f"/runs/{run}").json()["checkpoints"][0]["id"]
    path, probe = f"/checkpoints/{checkpoint}/probes", {"kind": "change", "index": 1, "percent": 25}
    first = stage.client.post(path, json=probe)
    assert first.status_code == 202
    assert first.headers["location"] == f"/probes/{first.json()['id']}"
    assert first.json()["result"] is None
    stage.work()
    second = stage.client.post(path, json=probe)
    assert second.status_code == 200
    assert second.json()["id"] == first.json()["id"]
    assert second.json()["state"] == "succeeded"
    found = stage.client.get(f"/probes?checkpoint={checkpoint}&kind=change").json()["items"]
    assert first.json()["id"] in [each["id"] for each in found]


def test_a_divergence_travels_as_text_and_counts_as_unsolved(stage: Stage) -> None:
    wild = {"optimizer": {"kind": "sgd", "learning_rate": 100}, **SMALL, "epochs": 4}
    spec = {"tasks": [{"kind": "first_last"}], "models": [{"kind": "rnn", "hidden_size": 8}], "lengths": [9]}
    done = stage.finish(spec, training=wild, repeats=2)
    assert done["state"] == "succeeded"
    answer = stage.client.get(done["links"]["results"])
    condition = json.loads(answer.content, parse_constant=refuse)["conditions"][0]
    assert condition["runs"]["diverged"] == 2
    assert condition["success"]["rate"] == 0
    texts = {value for metric in condition["metrics"].values() for value in metric.values() if isinstance(value, str)}
    assert texts <= {"NaN", "Infinity", "-Infinity"}
    for run in stage.client.get(done["links"]["runs"]).json()["items"]:
        assert run["diverged_at"] is not None
        json.loads(stage.client.get(f"/runs/{run['id']}").content, parse_constant=refuse)
        json.loads(stage.client.get(f"/runs/{run['id']}/metrics").content, parse_constant=refuse)


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_exports_have_one_row_a_run(client: TestClient, finished: dict[str, Any]) -> None:
    path = finished["links"]["results"]
    table, lines = client.get(f"{path}?format=csv"), client.get(f"{path}?format=jsonl")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    records = [json.loads(line) for line in lines.text.splitlines()]
    assert len(rows) == len(records) == 24
    assert list(rows[0]) == list(records[0])
    assert json.loads(rows[0]["model"]) == records[0]["model"]
    assert "attachment" in table.headers["content-disposition"]
    assert table.headers["content-type"].startswith("text/csv")


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_as_vega_lite(client: TestClient, finished: dict[str, Any], name: str) -> None:
    answer = client.get(f"{finished['links']['results']}/figures/{name}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["$schema"].startswith("https://vega.github.io/schema/vega-lite/")


@pytest.mark.parametrize(
    ("ending", "media", "start"),
    [("png", "image/png", b"\x89PNG"), ("svg", "image/svg+xml", b"<svg"), ("pdf", "application/pdf", b"%PDF")],
)
def test_a_figure_is_drawn_as_a_file(
    client: TestClient, finished: dict[str, Any], ending: str, media: str, start: bytes
) -> None:
    answer = client.get(f"{finished['links']['results']}/figures/score.{ending}")
    assert answer.headers["content-type"].partition(";")[0] == media
    assert answer.content.startswith(start)


def test_pages_of_events_lead_to_each_other(client: TestClient, finished: dict[str, Any]) -> None:
    json_please = {"Accept": "application/json"}
    whole = client.get(finished["links"]["events"], headers=json_please).json()
    assert whole["next_cursor"] is None
    seen, cursor = [], ""
    while True:
        answer = client.get(f"{finished['links']['events']}?limit=3{cursor}", headers=json_please)
        seen += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            break
        assert 'rel="next"' in answer.headers["link"]
        cursor = f"&cursor={answer.json()['next_cursor']}"
    assert seen == whole["items"]


def test_events_are_a_page_and_a_stream(client: TestClient, finished: dict[str, Any]) -> None:
    path = finished["links"]["events"]
    page = client.get(path, headers={"Accept": "application/json"}).json()
    assert [item["id"] for item in page["items"]] == sorted(item["id"] for item in page["items"])
    assert page["items"][0]["data"] == {"state": "queued"}
    stream = client.get(path, headers={"Accept": "text/event-stream"})
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert 'data: {"state":"succeeded"}' in stream.text
    last = page["items"][-2]["id"]
    rest = client.get(path, headers={"Accept": "text/event-stream", "Last-Event-ID": str(last)}).text
    assert rest.count("\nid: ") == 1
