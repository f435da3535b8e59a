"""What no worker can hold is refused, and the field that drives it is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.queue_names import Queue
from service.storage import workers
from service.storage.workers import Identity
from tests.contract.stage import Stage, staged

GIB = 2**30
LARGE: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "min_lstm", "hidden_size": 4000}],
    "lengths": [10, 10_000],
    "training": {"batch_size": 12, "train_size": 24, "validation_size": 12, "test_size": 50},
}  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Stage]:
    """A service whose own setting is small."""
    with staged(tmp_path, worker_memory=GIB) as made:
        yield made


def signed_on(stage: Stage, name: str, memory_limit: int | None, *queues: Queue) -> None:
    with stage.context.database.writing() as connection:
        workers.register(connection, Identity(name, name, "host", 1, queues, "cpu", memory_limit))


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_a_spec_beyond_the_setting_is_a_422_that_names_the_field_the_need_the_limit_and_what_fits(
    small: Stage, query: str
) -> None:
    answer = small.client.post(f"/experiments{query}", json=LARGE)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"], error["given"]) == ("#/training/batch_size", "out_of_memory", 12)
    assert error["message"] == (
        "Training min_lstm on latch at length 10000 takes a worker about 7.5GiB of memory; at most 1.0GiB are there "
        "(MEMSPAN_WORKER_MEMORY). batch_size drives it: 1 would fit, given 12."
    )
    assert small.rows()["experiments"] == 0


def test_the_largest_worker_that_serves_the_queue_counts_wherever_it_is(small: Stage) -> None:
    signed_on(small, "old", None, Queue.CPU)
    signed_on(small, "probes only", 64 * GIB, Queue.PROBE)
    assert small.client.post("/experiments?dry_run=true", json=LARGE).status_code == 422
    signed_on(small, "large", 16 * GIB, Queue.CPU)
    signed_on(small, "smaller", 2 * GIB, Queue.CPU)
    answer = small.client.post("/experiments?dry_run=true", json=LARGE)
    assert answer.status_code == 200
    assert 7 * GIB < answer.json()["peak_bytes"] < 8 * GIB


def test_a_study_whose_experiments_no_worker_can_hold_is_refused(tmp_path: Path) -> None:
    with staged(tmp_path, worker_memory=384 * 2**20) as made:
        answer = made.client.post("/studies/first-last/experiments?dry_run=true", json={"scale": "full"})
    assert answer.status_code == 422
    assert "MEMSPAN_WORKER_MEMORY" in answer.json()["errors"][0]["message"]
