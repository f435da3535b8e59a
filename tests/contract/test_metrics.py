"""/metrics: everything that is promised is told, by Prometheus' conventions, and asking costs little."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from service.operations import counting
from service.pools import Pools
from tests.contract.stage import LATCH, Stage, staged

UNITS = ("seconds", "bytes", "info")
COUNTS = {"queue_depth", "queue_leased", "workers", "event_listeners", "http_requests_in_progress", "database_up",
          "pool_requests", "pool_requests_limit"}  # fmt: skip
"""gauges of things that are counted, or are so or not"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A service of its own, as these tests look at all that it did."""
    with staged(tmp_path_factory.mktemp("metrics")) as made:
        yield made


@pytest.fixture(scope="module")
def worked(stage: Stage) -> dict[str, Any]:
    """An experiment with its probes, a prediction and a figure, all real."""
    experiment = stage.finish(LATCH)
    run = stage.client.get(f"/experiments/{experiment['id']}/runs?limit=1").json()["items"][0]["id"]
    checkpoint = stage.client.get(f"/runs/{run}").json()["checkpoints"][0]["id"]
    for _ in range(3):
        answer = stage.client.post(f"/checkpoints/{checkpoint}/predictions", json={"inputs": [[1.0, 0.0], [1.0, 0.0]]})
        assert answer.status_code == 200, answer.text
        stage.client.get(f"/results/{experiment['id']}/figures/score")
    counting.hand_in(stage.context, "worker")
    return experiment


def families(stage: Stage) -> dict[str, Metric]:
    """What is told, by name."""
    stage.context.lately.cache.clear()  # type: ignore[attr-defined]
    answer = stage.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(stage: Stage, name: str, **labels: str) -> float:
    """The sum of the samples of a name with some labels."""
    samples = [sample for family in families(stage).values() for sample in family.samples if sample.name == name]
    assert samples, name
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def test_what_ended_is_told_by_state(stage: Stage, worked: dict[str, Any]) -> None:
    assert value(stage, "memspan_runs_ended_total", state="succeeded") == worked["runs"]["total"]
    assert value(stage, "memspan_runs_ended_total", state="failed") == 0
    assert value(stage, "memspan_probes_ended_total", state="succeeded") > 0
    assert value(stage, "memspan_slice_seconds_count") > 0
    assert value(stage, "memspan_slice_seconds_sum") > 0


def test_what_waits_is_told_by_queue_with_its_oldest_wait(stage: Stage) -> None:
    posted = stage.submit(LATCH, repeats=3)
    assert value(stage, "memspan_queue_depth", queue="cpu") == posted["runs"]["total"]
    assert value(stage, "memspan_queue_oldest_wait_seconds", queue="cpu") >= 0
    assert stage.client.post(f"/experiments/{posted['id']}/cancel").status_code == 202
    assert value(stage, "memspan_queue_depth", queue="cpu") == 0
    counting.hand_in(stage.context, "api")
    assert value(stage, "memspan_runs_ended_total", state="cancelled") == posted["runs"]["total"]


def test_predictions_and_caches_are_counted(stage: Stage, worked: dict[str, Any]) -> None:
    assert value(stage, "memspan_predictions_total") == 3
    assert value(stage, "memspan_predicted_sequences_total") == 6
    assert value(stage, "memspan_cache_lookups_total", cache="models", result="miss") == 1
    assert value(stage, "memspan_cache_lookups_total", cache="models", result="hit") == 2
    assert value(stage, "memspan_cache_lookups_total", cache="results", result="hit") >= 2


def test_requests_are_told_by_the_routes_of_the_api(stage: Stage, worked: dict[str, Any]) -> None:
    labels = {"method": "POST", "route": "/checkpoints/{id}/predictions"}
    assert value(stage, "memspan_http_requests_total", status="200", **labels) == 3
    assert value(stage, "memspan_http_request_duration_seconds_count", **labels) == 3


def test_disks_memory_and_workers_are_told(stage: Stage) -> None:
    assert value(stage, "memspan_disk_free_bytes", disk="home") > 0
    assert value(stage, "memspan_disk_free_bytes", disk="database") > 0
    assert value(stage, "memspan_disk_minimum_free_bytes", disk="database") > 0
    assert value(stage, "memspan_database_bytes") > 0
    assert value(stage, "memspan_database_up") == 1
    assert value(stage, "process_resident_memory_bytes") > 0
    assert value(stage, "memspan_workers", state="idle") == 0
    assert value(stage, "memspan_largest_worker_resident_memory_bytes") == 0


def test_how_full_each_pool_is_is_told(stage: Stage) -> None:
    pools: Pools = stage.app.state.pools
    for name, pool in pools.by_name().items():
        assert value(stage, "memspan_pool_requests", pool=name) == 0
        assert (
            value(stage, "memspan_pool_requests_limit", pool=name) == pool.threads + stage.context.settings.max_waiting
        )
    inside = pools.plans.stream(iter([1, 2]))

    async def begin() -> float:
        await anext(inside)
        found = value(stage, "memspan_pool_requests", pool="plans")
        await inside.aclose()
        return found

    assert anyio.run(begin) == 1
    assert value(stage, "memspan_pool_requests", pool="plans") == 0


def test_names_follow_the_conventions_of_prometheus(stage: Stage, worked: dict[str, Any]) -> None:
    told = families(stage)
    assert len(told) > 25
    for name, family in told.items():
        assert re.fullmatch(r"(memspan|process)(_[a-z]+)+", name), name
        assert family.documentation, name
        if family.type == "gauge" and name.startswith("memspan_"):
            unit = name.removeprefix("memspan_")
            assert unit.endswith(UNITS) or unit in COUNTS, name
        for sample in family.samples:
            if family.type == "counter":
                assert sample.name.endswith("_total"), sample.name


def test_no_label_holds_what_a_client_may_invent(stage: Stage, worked: dict[str, Any]) -> None:
    before = len([sample for family in families(stage).values() for sample in family.samples])
    for number in range(20):
        stage.client.get(f"/invented/{number}")
        stage.client.get(f"/experiments/exp-{number + 900}")
    after = len([sample for family in families(stage).values() for sample in family.samples])
    assert after - before < 60, "a series for each path"


def test_a_database_that_is_away_leaves_what_the_process_knows(stage: Stage, worked: dict[str, Any]) -> None:
    with stage.context.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE counters RENAME TO hidden")
    try:
        assert value(stage, "memspan_database_up") == 0
        assert value(stage, "memspan_predictions_total") == 3
        assert "memspan_queue_depth" not in families(stage)
    finally:
        with stage.context.database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE hidden RENAME TO counters")
    assert value(stage, "memspan_database_up") == 1


def test_many_who_watch_ask_the_database_once(stage: Stage, worked: dict[str, Any]) -> None:
    families(stage)
    asked: list[str] = []
    engine = stage.context.database.engine
    event.listen(engine, "before_cursor_execute", lambda c, cursor, statement, *rest: asked.append(statement))
    stage.context.lately.cache.clear()  # type: ignore[attr-defined]
    for _ in range(50):
        assert stage.client.get("/metrics").status_code == 200
    assert 0 < len(asked) < 50, asked
