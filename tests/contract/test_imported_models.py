"""Models of somebody's own over HTTP: they come in, answer, are probed, shown and deleted like any other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from safetensors.torch import save
from starlette.testclient import TestClient

from service.operations.doctor import examined
from tests.contract.stage import Stage, staged
from tests.unit.exchange.graphs import endless, external, plain
from tests.unit.exchange.test_torch_layout import Model

LATCH = {"task": {"kind": "latch"}, "length": 8}
ADDING = {"task": {"kind": "adding"}, "length": 12}
INPUTS = torch.randn(3, 8, 1, generator=torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("imported")) as made:
        yield made


@pytest.fixture(scope="module")
def trained(stage: Stage) -> str:
    """A checkpoint that was trained here."""
    experiment = stage.finish(
        {
            "tasks": [{"kind": "latch"}],
            "models": [{"kind": "lstm", "hidden_size": 4}],
            "lengths": [8],
            "training": {"train_size": 320, "validation_size": 16, "test_size": 16, "epochs": 1},
            "repeats": 1,
        }
    )
    run = stage.client.get(experiment["links"]["runs"]).json()["items"][0]["id"]
    return str(stage.client.get(f"/runs/{run}").json()["checkpoints"][-1]["id"])


def bring(client: TestClient, data: bytes, options: dict[str, Any]) -> Any:
    return client.post("/checkpoints", files={"file": ("model", data)}, data={"options": json.dumps(options)})


def brought(stage: Stage, data: bytes, options: dict[str, Any]) -> dict[str, Any]:
    answer = bring(stage.client, data, options)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/checkpoints/{answer.json()['id']}"
    return dict(answer.json())


def predicted(stage: Stage, name: str) -> torch.Tensor:
    answer = stage.client.post(f"/checkpoints/{name}/predictions", json={"inputs": INPUTS.tolist()})
    assert answer.status_code == 200, answer.text
    return torch.tensor(answer.json()["outputs"])


def asked(stage: Stage, name: str, probe: dict[str, Any]) -> dict[str, Any]:
    posted = stage.client.post(f"/checkpoints/{name}/probes", json=probe)
    assert posted.status_code in (200, 202), posted.text
    stage.work()
    found = stage.client.get(f"/probes/{posted.json()['id']}").json()
    assert found["state"] == "succeeded", found
    return dict(found["result"])


def test_a_torch_model_comes_in_and_answers_as_torch_does(stage: Stage) -> None:
    torch.manual_seed(3)
    theirs = Model("lstm", 2, False)
    made = brought(stage, save(theirs.state_dict()), {**ADDING, "name": "mine"})
    assert (made["origin"], made["run"], made["model"]["kind"]) == ("imported", None, "lstm")
    assert made["model"]["hidden_size"] == [6, 6]
    inputs = torch.randn(4, 12, 2)
    answer = stage.client.post(f"/checkpoints/{made['id']}/predictions", json={"inputs": inputs.tolist()}).json()
    with torch.inference_mode():
        assert (torch.tensor(answer["outputs"]) - theirs(inputs)).abs().max() < 1e-6
    curve = asked(stage, made["id"], {"kind": "input_gradient"})
    assert curve["kind"] == "curve"


@pytest.mark.parametrize("layout", ["torch", "keras", "memspan"])
def test_an_export_comes_back_without_a_word_and_answers_the_same(stage: Stage, trained: str, layout: str) -> None:
    data = stage.client.get(f"/checkpoints/{trained}/weights?layout={layout}").content
    made = brought(stage, data, {})
    assert torch.allclose(predicted(stage, made["id"]), predicted(stage, trained), atol=1e-6)
    assert made["task"]["kind"] == "latch"
    assert made["length"] == 8


def test_an_onnx_model_is_probed_as_the_model_that_it_was_made_of(stage: Stage, trained: str) -> None:
    data = stage.client.get(f"/checkpoints/{trained}/onnx").content
    made = brought(stage, data, LATCH)
    assert made["model"]["answer"] == "probabilities"
    assert made["inputs"] == ["B", "T", 1]
    assert torch.allclose(predicted(stage, made["id"]), predicted(stage, trained), atol=1e-5)
    assert stage.client.get(f"/checkpoints/{made['id']}/onnx").content == data
    for probe in (
        {"kind": "change", "index": 0, "percent": -200},
        {"kind": "occlusion"},
        {"kind": "context"},
        {"kind": "length_shift"},
    ):
        ours, theirs = asked(stage, trained, probe), asked(stage, made["id"], probe)
        assert ours["kind"] == theirs["kind"]
        assert close(ours.get("y") or ours.get("values"), theirs.get("y") or theirs.get("values")), probe


def close(ours: Any, theirs: Any) -> bool:
    """Equal numbers, however they are nested."""
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(close(each, theirs[name]) for name, each in ours.items())
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(close, ours, theirs))
    return bool(abs(ours - theirs) <= 1e-3 * max(1, abs(ours))) if isinstance(ours, float) else bool(ours == theirs)


def test_a_probe_that_looks_inside_says_which_format_serves(stage: Stage) -> None:
    made = brought(stage, plain(), {"task": {"kind": "delay"}, "length": 5})
    for kind in ("input_gradient", "state_gradient", "gates", "landscape"):
        answer = stage.client.post(f"/checkpoints/{made['id']}/probes", json={"kind": kind})
        assert answer.status_code == 422, kind
        assert "safetensors" in answer.json()["detail"], answer.json()["detail"]


def test_the_file_alone_is_taken_with_options_in_the_query(stage: Stage) -> None:
    answer = stage.client.post(
        "/checkpoints",
        params={"options": json.dumps({"task": {"kind": "delay"}, "length": 5})},
        content=plain(),
        headers={"Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["model"]["verified"] is False


@pytest.mark.parametrize(
    ("options", "data", "pointer", "words"),
    [
        ({}, plain(), "#/task", "Say by task"),
        ({"task": {"kind": "delay"}}, plain(), "#/length", "Say by length"),
        ({"task": {"kind": "delay"}, "length": 1}, plain(), "#/length", "at least 2 steps; given 1"),
        ({"task": {"kind": "nothing"}, "length": 5}, plain(), "#/task/kind", "kind"),
        ({"task": {"kind": "delay"}, "length": 5}, b"", "#/file", "empty"),
        ({"task": {"kind": "delay"}, "length": 5}, b"12345678{not json", "#/file", "safetensors format"),
        ({"task": {"kind": "delay"}, "length": 5}, b"\x80\x04pickle", "#/file", "no ONNX model"),
        ({"task": {"kind": "delay"}, "length": 5}, external("/etc/passwd"), "#/file", "another file"),
        ({"task": {"kind": "delay"}, "length": 5, "input": "z"}, plain(), "#/input", "it has x"),
    ],
)
def test_what_is_wrong_with_an_import_is_named_and_nothing_is_stored(
    stage: Stage, options: dict[str, Any], data: bytes, pointer: str, words: str
) -> None:
    before = stage.rows()
    answer = bring(stage.client, data, options)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert words in answer.json()["errors"][0]["message"]
    assert stage.rows() == before


def test_weights_of_another_task_are_named_by_their_shapes(stage: Stage) -> None:
    answer = bring(stage.client, save(Model("gru", 2, False).state_dict()), LATCH)
    assert answer.status_code == 422
    assert "layer0.kernel is (2, 18), not (1, 18)" in answer.json()["detail"]


def test_bodies_of_other_kinds_are_refused(stage: Stage) -> None:
    assert stage.client.post("/checkpoints", json={}).status_code == 415
    assert stage.client.post("/checkpoints", data={"options": "{}"}).status_code == 415
    no_file = stage.client.post("/checkpoints", files={"other": ("a", b"b")})
    assert (no_file.status_code, no_file.json()["errors"][0]["pointer"]) == (422, "#/file")


def test_pages_results_and_figures_show_an_imported_model(stage: Stage) -> None:
    made = brought(stage, plain(), {"task": {"kind": "delay"}, "length": 5, "name": "an echo of my own"})
    experiment = made["experiment"]
    results = stage.client.get(f"/results/{experiment}").json()
    assert results["conditions"][0]["metrics"]["test_loss"]["n"] == 1
    page = stage.client.get(f"/results/{experiment}", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "an echo of my own" in page.text
    assert stage.client.get(f"/results/{experiment}/figures/score").status_code == 200
    asked_all = stage.client.post(f"/experiments/{experiment}/probes", json={"probe": {"kind": "occlusion"}})
    assert asked_all.status_code == 202, asked_all.text
    stage.work()
    probe = stage.client.get(f"/probes/{asked_all.json()['items'][0]['id']}").json()
    assert probe["state"] == "succeeded", probe
    assert stage.client.get(f"/results/{experiment}?format=csv").status_code == 200
    assert stage.client.get(f"/experiments/{experiment}").json()["runs"]["succeeded"] == 1
    refused = stage.client.post(f"/experiments/{experiment}/extend", json={"repeats": 2})
    assert refused.status_code == 409
    assert "made elsewhere" in refused.json()["detail"]


def test_an_imported_model_goes_with_its_experiment_and_leaves_nothing_wrong(stage: Stage) -> None:
    made = brought(stage, plain(), {"task": {"kind": "delay"}, "length": 6})
    assert not [each for each in examined(stage.context) if each.found]
    told = stage.client.delete(f"/experiments/{made['experiment']}?dry_run=true")
    assert told.status_code == 200
    assert stage.client.delete(f"/experiments/{made['experiment']}").status_code == 204
    assert stage.client.get(f"/checkpoints/{made['id']}").status_code == 404


def test_an_import_stands_in_the_trail(stage: Stage) -> None:
    made = brought(stage, plain(), {"task": {"kind": "delay"}, "length": 5})
    deeds = stage.client.get("/audit").json()["items"]
    assert (deeds[0]["action"], deeds[0]["object"]) == ("import_checkpoint", made["id"])


def test_an_endless_model_is_refused_and_the_service_goes_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from memspan.confinement import Bounds
    from memspan.exchange import onnx_admission

    monkeypatch.setattr(onnx_admission.admitted, "__defaults__", (Bounds(seconds=20, processor_seconds=1),))
    answer = bring(stage.client, endless(), {"task": {"kind": "delay"}, "length": 5})
    assert answer.status_code == 422
    assert "processor" in answer.json()["detail"] or "longer" in answer.json()["detail"]
    assert stage.client.get("/health/live").status_code == 200


DAYS = "day,y\n" + "".join(f"{day},{(day * 7) % 13}\n" for day in range(300))
FORGED = {
    "sha256": "0" * 64,
    "longest": 10**9,
    "channels": 1,
    "train": 10**9,
    "validation": 1,
    "test": 10**9,
    "season": None,
    "scores": {"do_nothing": 1, "training_mean": 1, "persistence": 1},
    "mase_scale": 1,
}


def test_a_model_of_ones_own_is_scored_on_ones_own_data_which_are_looked_into(stage: Stage) -> None:
    made = stage.client.post("/datasets", content=DAYS).json()
    task = {"kind": "series", "dataset": made["id"], "target": "y"}
    forecaster = save(Model("lstm", 1, False).state_dict())
    plain_facts = brought(stage, forecaster, {"task": task, "length": 5})["task"]["facts"]
    assert (plain_facts["sha256"], plain_facts["longest"]) == (made["sha256"], 5)
    assert brought(stage, forecaster, {"task": {**task, "facts": FORGED}, "length": 5})["task"]["facts"] == plain_facts


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"dataset": "data-999"}, "#/task/dataset"),
        ({"dataset": "data-999", "facts": FORGED}, "#/task/dataset"),
        ({"target": "z"}, "#/task/target"),
    ],
)
def test_data_that_a_model_can_not_be_shown_are_named(stage: Stage, change: dict[str, Any], pointer: str) -> None:
    made = stage.client.post("/datasets", content=DAYS).json()
    task = {"kind": "series", "dataset": made["id"], "target": "y", **change}
    answer = bring(stage.client, save(Model("lstm", 1, False).state_dict()), {"task": task, "length": 5})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text


def test_options_come_as_a_small_file_too_and_nothing_comes_twice(stage: Stage) -> None:
    data = save(Model("lstm", 2, False).state_dict())
    options = ("options.json", json.dumps(ADDING))
    answer = stage.client.post("/checkpoints", files={"file": ("model", data), "options": options})
    assert answer.status_code == 201, answer.text
    twice = [("file", ("one", data)), ("file", ("other", data))]
    answer = stage.client.post("/checkpoints", files=twice, data={"options": json.dumps(ADDING)})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "wrong_form"), answer.text
    answer = stage.client.post("/datasets", files=[("file", ("one", DAYS)), ("file", ("other", DAYS))])
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "wrong_form"), answer.text


def test_a_state_counts_as_an_answer_and_is_kept_only_where_it_is_asked_for(stage: Stage) -> None:
    name = brought(stage, save(Model("lstm", 2, False).state_dict()), ADDING)["id"]
    inputs = [[[0.5, 1]]] * 42_000  # two layers of six units with two numbers each: 1,008,000
    answer = stage.client.post(f"/checkpoints/{name}/predictions", json={"inputs": inputs, "return_state": True})
    assert answer.status_code == 422, answer.text[:300]
    assert "1008000 numbers, 42000 x 24; at most 1000000" in answer.json()["detail"]
    assert "MEMSPAN_MAX_ANSWER_VALUES" in answer.json()["detail"]
    assert stage.client.post(f"/checkpoints/{name}/predictions", json={"inputs": inputs}).json()["shape"] == [42_000, 1]
    model = stage.context.models(int(name.removeprefix("ckpt-")), lambda: pytest.fail("it was asked just now"))
    assert model.stepping is not None
    assert model.stepping.run(torch.ones(3, 4, 2), returning=False)[1] is None
