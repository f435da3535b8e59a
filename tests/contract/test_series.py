"""The task series: experiments on a data set that was sent, from its file to results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.contract.problems import told
from tests.contract.stage import Stage, staged


def autoregression(seed: int = 0) -> str:
    """y[t] = .7 y[t-1] + noise, with a column that says nothing."""
    rng, rows, last = np.random.default_rng(seed), ["t,y,noise,colour"], 0.0
    for step in range(600):
        last = 0.7 * last + rng.normal()
        rows.append(f"{step},{last:.4f},{rng.normal():.3f},{'red' if step % 2 else 'blue'}")
    return "\n".join([*rows, ""])


TASK: dict[str, Any] = {"kind": "series", "dataset": "data-1", "target": "y"}
SPEC: dict[str, Any] = {
    "tasks": [TASK],
    "models": [{"kind": "gru", "hidden_size": 4}],
    "lengths": [1, 8],
    "training": {"epochs": 3, "batch_size": 16, "optimizer": {"kind": "adam", "learning_rate": 0.01}},
    "repeats": 2,
    "probes": [{"kind": "context"}],
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("series")) as stage:
        assert stage.client.post("/datasets?name=ar1", content=autoregression()).json()["id"] == "data-1"
        yield stage


def test_a_series_is_trained_and_held_against_what_needs_no_training(own: Stage) -> None:
    posted = own.submit(SPEC)
    facts = posted["spec"]["tasks"][0]["facts"]
    assert (facts["longest"], facts["channels"], facts["season"]) == (8, 1, None)
    assert posted["spec"]["training"]["train_size"] == facts["train"] == 364
    assert posted["spec"]["training"]["validation_size"] == facts["validation"] == 90
    assert posted["spec"]["training"]["test_size"] == facts["test"] == 120
    problem = told(own.client.delete("/datasets/data-1"), 409)
    assert posted["id"] in problem["detail"]
    own.work()
    experiment = own.client.get(posted["links"]["self"]).json()
    assert experiment["state"] == "succeeded"
    results = own.client.get(posted["links"]["results"]).json()
    values = {each["name"]: each["value"] for each in results["baselines"]}
    assert set(values) == {"do_nothing", "training_mean", "persistence", "ridge"}
    assert values["ridge"] < values["persistence"] < values["training_mean"]
    for condition in results["conditions"]:
        assert condition["metrics"]["test_loss"]["mean"] < values["persistence"]
    assert {each["state"] for each in results["probes"]} == {"succeeded"}
    assert own.client.get(posted["links"]["results"], headers={"Accept": "text/html"}).status_code == 200


def test_equal_data_train_to_equal_numbers_whatever_they_are_called(own: Stage, tmp_path: Path) -> None:
    with staged(tmp_path) as other:
        other.client.post("/datasets", content="a\n1\n2\n")
        again = other.client.post("/datasets", content=autoregression()).json()["id"]
        assert again == "data-2"
        losses = []
        for stage, name in ((own, "data-1"), (other, again)):
            posted = stage.finish({**SPEC, "tasks": [{**TASK, "dataset": name}], "lengths": [8], "probes": []})
            runs = stage.client.get(posted["links"]["runs"]).json()["items"]
            losses.append([stage.client.get(f"/runs/{run['id']}").json()["metrics"] for run in runs])
        assert losses[0] == losses[1]


def test_a_plan_tells_sizes_and_stores_nothing(own: Stage) -> None:
    before = own.rows()
    plan = own.client.post("/experiments?dry_run=true", json=SPEC).json()
    assert plan["spec"]["training"]["train_size"] == 364
    assert plan["peak_bytes"] > 0
    assert own.rows() == before


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"dataset": "data-9"}, "#/tasks/0/dataset", "data_unavailable"),
        ({"target": "z"}, "#/tasks/0/target", "unknown_column"),
        ({"target": "colour"}, "#/tasks/0/target", "wrong_type"),
        ({"inputs": ["y", "z"]}, "#/tasks/0/inputs/1", "unknown_column"),
        ({"horizon": 900}, "#/tasks/0/dataset", "too_short"),
        ({"time_column": "z"}, "#/tasks/0/time_column", "unknown_column"),
        ({"time_column": "noise"}, "#/tasks/0/time_column", "falling_time"),
        ({"series_column": "z"}, "#/tasks/0/series_column", "unknown_column"),
        ({"split": {"test": 0.9}}, "#/tasks/0/split/test", "too_large"),
    ],
)
def test_what_does_not_fit_is_told_by_field(own: Stage, change: dict[str, Any], pointer: str, code: str) -> None:
    problem = told(own.client.post("/experiments", json={**SPEC, "tasks": [{**TASK, **change}]}), 422)
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [(pointer, code)]


def test_larger_sets_than_there_are_and_longer_lengths_are_refused(own: Stage) -> None:
    for size, count in (("train_size", 1_000), ("validation_size", 91), ("test_size", 121)):
        problem = told(own.client.post("/experiments", json={**SPEC, "training": {size: count}}), 422)
        assert f"#/training/{size}" in [each["pointer"] for each in problem["errors"]]
    assert (
        own.client.post("/experiments?dry_run=true", json={**SPEC, "training": {"train_size": 100}}).status_code == 200
    )
    problem = told(own.client.post("/experiments", json={**SPEC, "probes": [{"kind": "length_shift"}]}), 422)
    assert problem["errors"][0]["pointer"] == "#/probes/0"


def test_samples_are_real_windows(own: Stage) -> None:
    asked = {"task": {"dataset": "data-1", "target": "y"}, "length": 5, "count": 20}
    shown = own.client.post("/tasks/series/samples", json=asked).json()
    assert shown["shape"] == [20, 5, 1]
    y = np.array([float(row.split(",")[1]) for row in autoregression().split()[1:]])
    steps = np.diff(y) / y[: 600 - 120 - 6 - 90 - 6].std()  # before validation, test and gaps of context + horizon
    real = {tuple(np.round(steps[row : row + 5], 4)) for row in range(480 - 6, len(steps))}
    for inputs, target in zip(shown["inputs"], shown["targets"], strict=True):
        assert tuple(np.round(np.diff(np.ravel([*inputs, target])), 4)) in real
    told(own.client.post("/tasks/series/samples", json={"task": {"dataset": "data-9", "target": "y"}}), 422)


def test_results_stay_when_their_data_set_is_deleted(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        made = stage.client.post("/datasets", content=autoregression(1)).json()
        done = stage.finish({**SPEC, "tasks": [{**TASK, "dataset": made["id"]}], "lengths": [3], "probes": []})
        cached = tmp_path / "datasets" / f"{made['sha256']}.safetensors"
        assert cached.exists()
        assert stage.client.delete(made["links"]["self"]).status_code == 204
        assert not cached.exists(), "what was deleted lies nowhere"
        results = stage.client.get(done["links"]["results"])
        assert results.status_code == 200
        assert "persistence" in {each["name"] for each in results.json()["baselines"]}
