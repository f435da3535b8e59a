"""Bells: what is said of a broker is true at the moment of asking, though nothing was rung meanwhile."""

from __future__ import annotations

import base64
import json

from redis import Redis

from service.queue.redis_bell import RedisBell
from service.queue_names import Queue
from tests.servers import RedisServer, running
from tests.waiting import until


def test_a_broker_that_goes_and_comes_back_is_noticed_without_a_ring() -> None:
    server = RedisServer()
    with running(server):
        bell = RedisBell(server.url)
        until(bell.works, 20, "the broker to be there")
        server.stop()
        until(lambda: not bell.works(), 20, "the broker to be away")
        server.start()
        until(bell.works, 20, "the broker to be there")


def test_a_broker_that_never_was_is_away() -> None:
    assert not RedisBell("redis://127.0.0.1:1/0").works()


def test_a_bell_is_one_message_that_names_its_queue() -> None:
    server = RedisServer()
    with running(server):
        bell = RedisBell(server.url)
        bell.ring(Queue.GPU)
        broker = Redis(port=server.port)
        until(lambda: broker.llen("gpu"), 20, "the bell to be sent")
        (message,) = map(json.loads, broker.lrange("gpu", 0, -1))
        arguments = json.loads(base64.b64decode(message["body"]))[0]
    assert (message["headers"]["task"], arguments) == ("memspan.work", ["gpu"])
