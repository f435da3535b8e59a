"""Logs of the API: every line says which request, key and experiment it is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from service.operations import keys
from service.operations.caller import ANYBODY
from service.operations.key_request import KeyRequest
from tests.contract.stage import Stage, staged
from tests.scenes import SMALLEST

ID = "story-1"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("logs")) as made:
        yield made


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """What is logged meanwhile, with all that is bound."""
    with capture_logs(processors=[merge_contextvars]) as captured:
        yield captured


def test_a_submission_and_all_that_asks_for_it_name_the_experiment(stage: Stage, lines: list[Any]) -> None:
    posted = stage.client.post("/experiments", json=SMALLEST, headers={"X-Request-Id": ID}).json()["id"]
    stage.client.get(f"/experiments/{posted}")
    stage.client.get(f"/results/{posted}")
    submitted, *requests = lines
    assert (submitted["event"], submitted["request_id"], submitted["experiment"]) == (
        "experiment_submitted",
        ID,
        posted,
    )
    assert [line["event"] for line in requests] == ["request"] * 3
    assert {line["experiment"] for line in requests} == {posted}
    assert requests[0]["request_id"] == ID


def test_one_request_says_nothing_of_the_one_before(stage: Stage, lines: list[Any]) -> None:
    stage.client.get("/experiments/exp-1")
    stage.client.get("/experiments")
    assert ["experiment" in line for line in lines] == [True, False]


def test_runs_checkpoints_and_probes_are_named_too(stage: Stage, lines: list[Any]) -> None:
    for path in ("/runs/run-7", "/checkpoints/ckpt-8", "/probes/probe-9"):
        stage.client.get(path)
    assert [line.get("run") or line.get("checkpoint") or line.get("probe") for line in lines] == [
        "run-7",
        "ckpt-8",
        "probe-9",
    ]


def test_with_keys_each_line_names_the_key_and_never_its_secret(stage: Stage, lines: list[Any]) -> None:
    asked = KeyRequest.model_validate({"name": "lab", "scope": "run"})
    made = keys.create(stage.context.database, asked, ANYBODY, over_http=False)
    headers = {"Authorization": f"Bearer {made.secret}"}
    stage.app.state.keyring.forget()
    stage.client.post("/experiments", json=SMALLEST, headers=headers)
    told = [line for line in lines if line["event"] in ("experiment_submitted", "request")]
    assert {line["key"] for line in told} == {"lab"}
    assert made.secret not in str(lines)
