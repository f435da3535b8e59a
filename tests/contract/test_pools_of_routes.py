"""What computes has pools of its own: when they are full others are answered, and health always is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.pools import Pool
from tests.contract.problems import told
from tests.contract.stage import LATCH, Stage, staged
from tests.waiting import until

SPEC = {**LATCH, "probes": []}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, dict[str, str]]]:
    """An application of its own with something to ask of."""
    with staged(tmp_path_factory.mktemp("pools")) as stage:
        experiment = stage.finish(SPEC)
        run = stage.client.get(experiment["links"]["runs"]).json()["items"][0]["id"]
        checkpoint = stage.client.get(f"/runs/{run}").json()["checkpoints"][0]["id"]
        yield stage, {"experiment": experiment["id"], "checkpoint": checkpoint}


@contextmanager
def full(stage: Stage, name: str) -> Iterator[None]:
    """All threads of a pool are busy meanwhile, and as many wait as may."""
    pool: Pool = getattr(stage.app.state.pools, name)
    released, portal = threading.Event(), stage.client.portal
    assert portal is not None
    waiting = [portal.start_task_soon(pool.run, released.wait) for _ in range(pool.threads + pool.waiting)]
    until(lambda: pool.inside == len(waiting), 30, "the pool to be full")
    try:
        yield
    finally:
        released.set()
        for each in waiting:
            each.result(30)


def asked(stage: Stage, ids: dict[str, str], what: str) -> httpx.Response:
    """One request that computes, by its pool."""
    client = stage.client
    match what:
        case "checks":
            return client.post("/experiments", json=SPEC)
        case "plans":
            return client.post("/experiments?dry_run=true", json=SPEC)
        case "submissions":
            return client.post("/studies/latch/experiments", json={"scale": "quick"})
        case "results":
            return client.get(f"/results/{ids['experiment']}?format=csv")
        case "figures":
            return client.get(f"/results/{ids['experiment']}/figures/score")
        case "files":
            return client.get(f"/results/{ids['experiment']}/figures/score.pdf")
        case "predictions":
            return client.post(f"/checkpoints/{ids['checkpoint']}/predictions", json={"inputs": [[0.5, 0.5]]})
        case "uploads":
            return client.post("/datasets", content="a\n1\n2\n")
    raise ValueError(what)


WORK = ("checks", "plans", "submissions", "results", "figures", "files", "predictions", "uploads")


@pytest.mark.parametrize("what", WORK)
def test_a_full_pool_is_a_503_that_says_when_to_come_again(ground: tuple[Stage, dict[str, str]], what: str) -> None:
    stage, ids = ground
    with full(stage, what):
        answer = asked(stage, ids, what)
        problem = told(answer, 503)
        assert problem["type"] == "/problems/busy"
        assert answer.headers["retry-after"] == "1"
        assert "MEMSPAN_MAX_WAITING" in problem["detail"]
        assert stage.client.get("/health/ready").status_code == 200
        assert stage.client.get("/experiments").status_code == 200


def test_health_is_answered_while_no_thread_is_free(tmp_path: Path) -> None:
    """/health/live takes no thread at all, /health/ready one of its own."""
    with staged(tmp_path) as stage, ThreadPoolExecutor() as others:
        released, portal = threading.Event(), stage.client.portal
        assert portal is not None
        from anyio.to_thread import current_default_thread_limiter, run_sync

        limiter = portal.call(current_default_thread_limiter)
        taken = [portal.start_task_soon(run_sync, released.wait) for _ in range(int(limiter.total_tokens))]
        until(lambda: limiter.borrowed_tokens == limiter.total_tokens, 30, "all threads to be taken")
        try:
            for path in ("/health/live", "/health/ready"):
                answer: Any = others.submit(stage.client.get, path).result(30)
                assert answer.status_code == 200
        finally:
            released.set()
        for each in taken:
            each.result(30)
