"""Trained models as other frameworks read them, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import onnxruntime
import pytest
import torch
from safetensors.torch import load

from tests.contract.stage import Stage, staged

SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "lstm", "hidden_size": 4}, {"kind": "tcn"}],
    "lengths": [8],
    "training": {"train_size": 32, "validation_size": 16, "test_size": 16, "epochs": 1},
    "repeats": 1,
}
INPUTS = torch.randn(3, 8, 1, generator=torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, dict[str, str]]]:
    with staged(tmp_path_factory.mktemp("exported")) as stage:
        experiment = stage.finish(SPEC)
        found = {}
        for run in stage.client.get(experiment["links"]["runs"]).json()["items"]:
            whole = stage.client.get(f"/runs/{run['id']}").json()
            found[run["model"]["kind"]] = whole["checkpoints"][-1]["id"]
        yield stage, found


def predicted(stage: Stage, name: str) -> torch.Tensor:
    answer = stage.client.post(f"/checkpoints/{name}/predictions", json={"inputs": INPUTS.tolist()})
    return torch.tensor(answer.json()["outputs"])


def test_torch_loads_the_weights_and_predicts_the_same(checkpoints: tuple[Stage, dict[str, str]]) -> None:
    stage, names = checkpoints
    answer = stage.client.get(f"/checkpoints/{names['lstm']}/weights", params={"layout": "torch"})
    recurrent, readout = torch.nn.LSTM(1, 4, batch_first=True), torch.nn.Linear(4, 2)
    module = torch.nn.ModuleDict({"recurrent": recurrent, "readout": readout})
    module.load_state_dict(load(answer.content))
    with torch.inference_mode():
        found = readout(recurrent(INPUTS)[0][:, -1]).softmax(-1)
    assert (found - predicted(stage, names["lstm"])).abs().max() < 1e-6


def test_onnxruntime_runs_the_model_and_predicts_the_same(checkpoints: tuple[Stage, dict[str, str]]) -> None:
    stage, names = checkpoints
    answer = stage.client.get(f"/checkpoints/{names['lstm']}/onnx")
    assert answer.headers["content-disposition"] == f'attachment; filename="{names["lstm"]}.onnx"'
    session = onnxruntime.InferenceSession(answer.content)
    found = torch.from_numpy(session.run(None, {"inputs": INPUTS.numpy()})[0])
    assert (found - predicted(stage, names["lstm"])).abs().max() < 1e-5


@pytest.mark.parametrize("path", ["weights?layout=torch", "weights?layout=keras", "weights?layout=memspan", "onnx"])
def test_a_file_has_an_etag_and_ranges(checkpoints: tuple[Stage, dict[str, str]], path: str) -> None:
    stage, names = checkpoints
    address = f"/checkpoints/{names['lstm']}/{path}"
    whole = stage.client.get(address)
    assert whole.status_code == 200
    again = stage.client.get(address, headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    part = stage.client.get(address, headers={"Range": "bytes=4-9"})
    assert (part.status_code, part.content) == (206, whole.content[4:10])


def test_what_another_framework_lacks_is_refused_with_what_serves(checkpoints: tuple[Stage, dict[str, str]]) -> None:
    stage, names = checkpoints
    layout = stage.client.get(f"/checkpoints/{names['tcn']}/weights?layout=torch")
    assert layout.status_code == 422
    assert layout.json()["errors"][0]["pointer"] == "?layout"
    assert "layout=memspan" in layout.json()["detail"]
    onnx = stage.client.get(f"/checkpoints/{names['tcn']}/onnx")
    assert onnx.status_code == 409
    assert "no operator in ONNX" in onnx.json()["detail"]
    unknown = stage.client.get(f"/checkpoints/{names['tcn']}/weights?layout=jax")
    assert unknown.status_code == 422
    assert "torch" in unknown.json()["errors"][0]["message"]
    assert stage.client.get("/checkpoints/ckpt-999/onnx").status_code == 404
