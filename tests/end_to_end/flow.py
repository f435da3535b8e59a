"""The flow of a user, over HTTP alone: the same for every way in which Memspan runs."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
import safetensors.numpy
import torch

import memspan
from memspan.experiment.checkpoint import predictor
from memspan.experiment.grid import conditions
from memspan.interfaces.json_numbers import jsonable
from tests.processes import Client
from tests.waiting import until

SPEC: dict[str, Any] = {
    "name": "end to end",
    "tasks": [{"kind": "latch", "noise": 0.1}],
    "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 3}],
    "lengths": [2, 6],
    "training": {"epochs": 2, "train_size": 320, "validation_size": 64, "test_size": 128},
    "repeats": 3,
    "seed": 1994,
    "probes": [{"kind": "change", "index": 0, "percent": 50}],
}
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@cache
def here() -> Any:
    """The same experiment, run in this very process."""
    return memspan.run(SPEC)


def numbers_equal_those_of_a_notebook(client: Client, name: str) -> None:
    runs = client.runs(name)
    expected = sorted(here().rows, key=lambda row: (row.condition, row.repeat))
    assert [run["metrics"] for run in runs] == [jsonable(dict(row.metrics)) for row in expected]
    served, local = client.get(f"/results/{name}"), jsonable(dict(here().document))
    for condition, mine in zip(served["conditions"], local["conditions"], strict=True):
        assert condition["metrics"] == mine["metrics"]
        assert condition["success"] == mine["success"]
    assert [probe["result"] for probe in served["probes"]] == [probe["result"] for probe in local["probes"]]


def events_are_seen_once_each_over_a_cut(client: Client, name: str) -> None:
    """Follow, be cut after the third event, and resume behind it."""
    first = client.events(name, most=3)
    rest = client.events(name, after=first[-1][0], seconds=90)
    ids = [event[0] for event in first + rest]
    assert ids == sorted(set(ids))
    states = [body["state"] for _, kind, body in first + rest if kind == "state"]
    assert states == ["queued", "running", "succeeded"]
    page = client.get(f"/experiments/{name}/events", headers={"Accept": "application/json"}, params={"limit": 500})
    assert {event["id"] for event in page["items"]} <= set(ids)


def pages_and_figures_are_served(client: Client, name: str) -> None:
    page = client.request("GET", f"/results/{name}", headers=HTML)
    assert page.headers["content-type"].startswith("text/html")
    assert "end to end" in page.text
    for figure in ("score", "success", "learning", "span"):
        picture = client.request("GET", f"/results/{name}/figures/{figure}.png")
        assert (picture.status_code, picture.content[:8]) == (200, b"\x89PNG\r\n\x1a\n"), figure
        assert "$schema" in client.get(f"/results/{name}/figures/{figure}")
    table = client.request("GET", f"/results/{name}", params={"format": "csv"}).text.strip().splitlines()
    assert len(table) == 1 + 2 * 2 * 3


def weights_come_whole_and_in_parts(client: Client, name: str) -> None:
    checkpoint = client.runs(name)[0]["checkpoints"][0]["id"]
    path = f"/checkpoints/{checkpoint}/weights"
    whole = client.request("GET", path)
    tag = whole.headers["etag"]
    assert tag == f'"{client.get(f"/checkpoints/{checkpoint}")["sha256"]}"'
    part = client.request("GET", path, headers={"Range": "bytes=8-19", "If-Range": tag})
    assert (part.status_code, part.content) == (206, whole.content[8:20])
    assert part.headers["content-range"] == f"bytes 8-19/{len(whole.content)}"
    assert client.request("GET", path, headers={"If-None-Match": tag}).status_code == 304
    assert client.request("GET", path, headers={"Range": "bytes=999999-"}).status_code == 416


def predictions_equal_a_forward_pass_of_the_downloaded_weights(client: Client, name: str) -> None:
    grid = conditions(memspan.ExperimentSpec.model_validate(client.experiment(name)["spec"]))
    inputs = np.linspace(-2, 2, 4 * 6, dtype=np.float32).reshape(4, 6)
    for run in client.runs(name)[-3:]:
        checkpoint = run["checkpoints"][-1]["id"]
        data = client.request("GET", f"/checkpoints/{checkpoint}/weights").content
        assert all(np.isfinite(weight).all() for weight in safetensors.numpy.load(io.BytesIO(data).read()).values())
        expected = predictor(grid[-1], [data])(torch.from_numpy(inputs[:, :, None]))[0]
        answer = client.post(f"/checkpoints/{checkpoint}/predictions", {"inputs": inputs.tolist()}, status=200)
        assert answer["outputs"] == expected.tolist()
        assert answer["shape"] == list(expected.shape)


def probes_are_answered_and_remembered(client: Client, name: str) -> None:
    checkpoint = client.runs(name)[0]["checkpoints"][0]["id"]
    spec = {"kind": "change", "index": 1, "percent": 25}
    first = client.post(f"/checkpoints/{checkpoint}/probes", spec, status=200, params={"wait": 30})
    again = client.post(f"/checkpoints/{checkpoint}/probes", spec, status=200)
    assert (first["state"], first["result"]) == ("succeeded", again["result"])
    asked = client.request("POST", f"/experiments/{name}/probes", json={"probe": spec})
    assert asked.status_code == 202
    assert asked.headers["location"] == f"/probes?experiment={name}"
    until(
        lambda: all(
            probe["state"] == "succeeded" for probe in client.get("/probes", params={"experiment": name})["items"]
        ),
        60,
        "the probes to be answered",
    )


def deletion_frees(client: Client, name: str) -> None:
    rehearsed = client.request("DELETE", f"/experiments/{name}", params={"dry_run": True}).json()
    assert rehearsed["bytes"] > 0
    assert client.request("DELETE", f"/experiments/{name}").status_code == 204
    assert client.request("GET", f"/results/{name}").status_code == 404
    assert client.request("GET", f"/experiments/{name}").status_code == 404


def whole_flow(client: Client) -> list[Any]:
    """Everything that a user does with one experiment; its numbers."""
    name = client.submit(SPEC)
    events_are_seen_once_each_over_a_cut(client, name)
    assert client.ended(name, 60)["state"] == "succeeded"
    numbers = client.numbers(name)
    numbers_equal_those_of_a_notebook(client, name)
    pages_and_figures_are_served(client, name)
    weights_come_whole_and_in_parts(client, name)
    predictions_equal_a_forward_pass_of_the_downloaded_weights(client, name)
    probes_are_answered_and_remembered(client, name)
    deletion_frees(client, name)
    return numbers
