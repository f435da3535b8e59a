"""Bells: what is said of a broker is true at the moment of asking, though nothing was rung meanwhile."""

from __future__ import annotations

from service.queue.redis_bell import RedisBell
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
