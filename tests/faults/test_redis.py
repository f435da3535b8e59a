"""Redis restarts, is away and says things twice: bells only ever change when work begins."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisGone

from tests.deployment import Deployment
from tests.faults.disturbance import ENOUGH_SECONDS, SHORT, attempts, ends_undisturbed, lasting, under_way
from tests.waiting import until

RESTARTS = 20
TIMES = 5
"""how often each bell is heard"""


@pytest.mark.long
def test_redis_may_restart_twenty_times(staffed_deployment: Deployment) -> None:
    deployment, client = staffed_deployment, staffed_deployment.client
    posted = [(client.submit(lasting(40)), lasting(40))]
    under_way(client, posted[0][0])
    for number in range(RESTARTS):
        deployment.redis.stop(signal.SIGKILL if number % 2 else signal.SIGTERM)
        if number % 4 == 0:
            posted.append((client.submit(SHORT), SHORT))
        deployment.redis.start()
    for name, spec in posted:
        ends_undisturbed(client, name, spec)
    deployment.staffed(2)


@pytest.mark.long
def test_redis_may_be_away_while_a_whole_study_is_done(staffed_deployment: Deployment) -> None:
    deployment, client = staffed_deployment, staffed_deployment.client
    items = client.post("/studies/relay/experiments", {"scale": "quick"}, status=201)["items"]
    names = [item["id"] for item in items]
    until(lambda: "running" in {client.experiment(name)["state"] for name in names}, ENOUGH_SECONDS, "it to begin")
    deployment.redis.stop(signal.SIGKILL)
    try:
        for name in names:
            assert client.ended(name, 280)["state"] == "succeeded"
    finally:
        deployment.redis.start()
    specs = [item["spec"] for item in items]
    for name, spec in zip(names, specs, strict=True):
        ends_undisturbed(client, name, spec)
    assert {claim["verdict"] for claim in client.get("/studies/relay")["claims"]} != {None}


def test_every_bell_may_be_heard_five_times(staffed_deployment: Deployment) -> None:
    deployment, client = staffed_deployment, staffed_deployment.client
    with echoed(deployment.redis.port) as heard:
        names = [client.submit(SHORT) for _ in range(4)]
        for name in names:
            ends_undisturbed(client, name, SHORT)
    assert heard, "no bell was rung"
    assert [attempts(client, name) for name in names] == [{1}] * 4


@contextmanager
def echoed(port: int) -> Iterator[list[str]]:
    """Put every bell that goes over a Redis into its queue four times more; the bells that were heard."""
    heard: list[str] = []
    echo = Redis(port=port)
    echo.ping()
    own = echo.client_id()
    mine = next(each["addr"] for each in echo.client_list() if int(each["id"]) == own)
    listener = Redis(port=port)

    def listen() -> None:
        with listener.monitor() as commands:
            begun.set()
            try:
                for command in commands.listen():
                    words = command["command"].split(" ", 2)
                    if words[0] == "LPUSH" and f"{command['client_address']}:{command['client_port']}" != mine:
                        heard.append(words[1])
                        echo.lpush(words[1], *[words[2]] * (TIMES - 1))
            except (RedisGone, OSError, ValueError):
                return  # hung up below

    begun = threading.Event()
    thread = threading.Thread(target=listen)
    thread.start()
    assert begun.wait(10)
    try:
        yield heard
    finally:
        for each in echo.client_list():
            if each["cmd"] == "monitor":
                echo.client_kill_filter(_id=each["id"])
        thread.join(10)
        echo.close()
        listener.close()
