"""Stored weights over HTTP: damaged ones are a problem of their own, and a deletion says what it freed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from service.storage.tables import blobs
from tests.contract.stage import LATCH, Stage, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        yield made


def finished(stage: Stage) -> str:
    spec = {**LATCH, "tasks": [{"kind": "latch"}], "models": [{"kind": "rnn", "hidden_size": 1}], "lengths": [2]}
    return str(stage.finish(spec)["id"])


def test_damaged_weights_are_a_problem_of_their_own_wherever_they_are_asked_for(stage: Stage) -> None:
    experiment = finished(stage)
    run = stage.client.get(f"/experiments/{experiment}/runs").json()["items"][0]["id"]
    checkpoint = stage.client.get(f"/runs/{run}").json()["checkpoints"][0]["id"]
    with stage.context.database.writing() as connection:
        connection.execute(update(blobs).values(data=b"other" * 40, bytes=200))
    asked = [
        stage.client.get(f"/checkpoints/{checkpoint}/weights"),
        stage.client.get(f"/checkpoints/{checkpoint}/weights", headers={"Range": "bytes=0-9"}),
        stage.client.post(f"/checkpoints/{checkpoint}/predictions", json={"inputs": [[0.1, 0.2]]}),
    ]
    for answer in asked:
        assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
        assert answer.json()["type"] == "/problems/weights-damaged"
        assert "memspan doctor" in answer.json()["detail"]
    probe = stage.client.post(f"/checkpoints/{checkpoint}/probes", json={"kind": "change", "index": -1}).json()
    stage.work()
    ended = stage.client.get(f"/probes/{probe['id']}").json()
    assert (ended["state"], ended["result"]) == ("failed", None)
    assert "sha256" in str(ended["reason"])


def test_a_deletion_says_what_it_freed_as_its_rehearsal_said(stage: Stage) -> None:
    experiment = finished(stage)
    told = stage.client.delete(f"/experiments/{experiment}", params={"dry_run": True}).json()
    answer = stage.client.delete(f"/experiments/{experiment}")
    assert answer.status_code == 204
    assert {"rows": int(answer.headers["Freed-Rows"]), "bytes": int(answer.headers["Freed-Bytes"])} == told
    assert told["bytes"] > 0
