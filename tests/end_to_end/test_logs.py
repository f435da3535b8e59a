"""Logs of a real service: one search tells what became of a request, and no secret is found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from examples.process import started
from tests.deployment import Deployment
from tests.processes import Client, MemspanProcess
from tests.scenes import SMALLEST
from tests.waiting import until

REQUEST = "story-of-one-request"
WORD = "hunter2-hunter2"
HEADERS = {
    "X-Request-Id": REQUEST,
    "Authorization": f"Bearer {WORD}",
    "Cookie": f"memspan={WORD}",
    "X-Api-Key": WORD,
}


def story(log: Path, request: str) -> list[dict[str, Any]]:
    """The lines about a request; all lines have to be JSON."""
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    return [line for line in map(json.loads, lines) if line.get("request_id") == request]


def of(lines: Sequence[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == event]


def test_one_search_tells_the_story_of_a_request_to_its_last_run(tmp_path: Path) -> None:
    serve = MemspanProcess(tmp_path, "serve", "--port", "0", "--workers", "1", MEMSPAN_LOG_LEVEL="debug")
    with started(serve):
        client = Client(serve.address())
        made = client.post("/experiments", SMALLEST, status=201, headers=HEADERS)["id"]
        client.ended(made, 60)
        client.request("GET", f"/results?api_key={WORD}", headers=HEADERS)
        until(lambda: of(story(serve.log, REQUEST), "runs_left"), 20, "the worker's line")
    told = story(serve.log, REQUEST)
    assert {line["experiment"] for line in told if "experiment" in line} == {made}
    assert [line["status"] for line in of(told, "request")] == [201, 422]
    assert len(of(told, "experiment_submitted")) == 1
    (left,) = of(told, "runs_left")
    assert (left["fate"], left["attempt"], len(left["claim"])) == ("DONE", 1, 32)
    assert WORD not in serve.log.read_text(encoding="utf-8")


def test_workers_over_celery_write_the_request_too(deployment: Deployment) -> None:
    request = "story-over-celery"
    headers = {"X-Request-Id": request}
    made = deployment.client.post("/experiments", {**SMALLEST, "seed": 77}, status=201, headers=headers)["id"]
    deployment.client.ended(made, 60)
    until(lambda: of(story(deployment.worker.log, request), "runs_left"), 20, "the worker's line")
    assert {line["experiment"] for line in story(deployment.worker.log, request)} == {made}
    assert {line["experiment"] for line in of(story(deployment.api.log, request), "experiment_submitted")} == {made}


def test_a_database_that_can_not_be_reached_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://memspan:{WORD}@127.0.0.1:1/memspan"
    environment = {"MEMSPAN_HOME": str(tmp_path), "MEMSPAN_DATABASE_URL": url, "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "service", "api", "--port", "0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "MEMSPAN_DATABASE_URL" in done.stderr
    assert WORD not in done.stdout + done.stderr
