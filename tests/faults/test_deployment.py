"""Things that die in a deployment. Every test leaves it working."""

from __future__ import annotations

import signal

import pytest

from service.queue.redis_bell import MOST_WAITING, RedisBell
from tests.deployment import Deployment
from tests.faults.disturbance import (
    LONG,
    SPEC,
    attempts,
    ends_undisturbed,
    killed,
    lasting,
    under_way,
)
from tests.processes import descendants, gone
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("staffed_deployment")


@pytest.mark.long
def test_a_worker_process_killed_three_times_costs_nothing_but_time(deployment: Deployment) -> None:
    name = deployment.client.submit(lasting(40))
    killed(deployment.client, name, 3)
    ends_undisturbed(deployment.client, name, lasting(40))
    assert attempts(deployment.client, name) == {4}


def test_duplicate_bells_train_once(deployment: Deployment) -> None:
    name = deployment.client.submit(SPEC)
    bell = RedisBell(deployment.redis.url)
    for _ in range(20):
        bell.ring("cpu")
        until(lambda: not bell._waiting, 10, "the bell to be sent")
    ends_undisturbed(deployment.client, name)
    assert attempts(deployment.client, name) == {1}


def test_bells_do_not_pile_up(deployment: Deployment) -> None:
    bell = RedisBell(deployment.redis.url)
    for _ in range(2 * MOST_WAITING):
        bell.ring("nobody")
        until(lambda: not bell._waiting, 10, "the bell to be sent")
    assert until(lambda: deployment.broker.llen("nobody"), 10, "bells") <= MOST_WAITING
    deployment.broker.delete("nobody")


def test_an_experiment_posted_while_redis_is_gone_is_done_when_it_is_back(deployment: Deployment) -> None:
    deployment.redis.stop()
    name = deployment.client.submit(SPEC)
    until(
        lambda: deployment.client.get("/health/ready")["status"] == "degraded", 30, "the API to notice that it is gone"
    )
    assert deployment.client.experiment(name)["state"] == "queued"
    deployment.redis.start()
    ends_undisturbed(deployment.client, name)
    until(lambda: deployment.client.get("/health/ready")["status"] == "ok", 30, "the API to notice that it is back")


def test_redis_may_restart_while_an_experiment_runs(deployment: Deployment) -> None:
    name = deployment.client.submit(SPEC)
    under_way(deployment.client, name)
    deployment.redis.stop(signal.SIGKILL)
    deployment.redis.start()
    ends_undisturbed(deployment.client, name)
    ends_undisturbed(deployment.client, deployment.client.submit(SPEC))


@pytest.mark.long
def test_redis_may_forget_everything_while_an_experiment_runs(deployment: Deployment) -> None:
    name = deployment.client.submit(SPEC)
    under_way(deployment.client, name)
    deployment.broker.flushall()
    ends_undisturbed(deployment.client, name)
    ends_undisturbed(deployment.client, deployment.client.submit(SPEC))


@pytest.mark.long
def test_a_worker_that_is_told_to_stop_stores_its_slice_and_leaves(deployment: Deployment) -> None:
    client, worker = deployment.client, deployment.worker
    name = client.submit(SPEC)
    under_way(client, name)
    family = descendants(worker.pid)
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    until(lambda: all(gone(pid) for pid in family), 10, "its processes to leave with it")
    assert client.workers() == []
    waiting = client.experiment(name)
    assert (waiting["runs"]["queued"], waiting["progress"]["completed"] > 0) == (3, True)
    worker.start()
    ends_undisturbed(deployment.client, name)
    assert attempts(client, name) == {2}


@pytest.mark.long
def test_a_whole_worker_may_be_killed_and_started_again(deployment: Deployment) -> None:
    client, worker = deployment.client, deployment.worker
    name = client.submit(LONG)
    done = under_way(client, name)
    family = descendants(worker.pid)
    worker.send(signal.SIGKILL)
    worker.wait()
    until(lambda: all(gone(pid) for pid in family), 20, "its orphans to leave by themselves")
    worker.start()
    under_way(client, name, beyond=done)
    client.post(f"/experiments/{name}/cancel", status=202)
    assert client.ended(name, 15)["state"] == "cancelled"
    ends_undisturbed(deployment.client, client.submit(SPEC))


def test_the_database_may_be_away_for_a_while(deployment: Deployment) -> None:
    client = deployment.client
    name = client.submit(SPEC)
    under_way(client, name)
    deployment.postgres.stop()
    try:
        for path in (f"/experiments/{name}", "/queue", f"/results/{name}"):
            answer = client.request("GET", path)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), path
            assert int(answer.headers["retry-after"]) > 0
        posted = client.request("POST", "/experiments", json=SPEC, headers={"Idempotency-Key": "away"})
        assert posted.status_code == 503
        assert client.request("GET", "/health/ready").status_code == 503
        assert client.request("GET", "/health/live").status_code == 200
        until(lambda: deployment.worker.said().count("database_away") >= 3, 30, "the worker to have tried in vain")
    finally:
        deployment.postgres.start()
    ends_undisturbed(deployment.client, name)
    again = client.request("POST", "/experiments", json=SPEC, headers={"Idempotency-Key": "away"})
    assert again.status_code == 201
    ends_undisturbed(deployment.client, again.json()["id"])
    deployment.staffed(2)
