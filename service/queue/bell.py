"""Bells: "something waits in this queue". Ringing never raises and never makes a request wait."""

from collections.abc import Callable
from typing import Protocol

from service.queue_names import Queue


class Bell(Protocol):
    """Rings for a queue."""

    def ring(self, queue: Queue) -> None:
        """Tell whoever listens that something waits; returns at once."""

    def works(self) -> bool | None:
        """Whether the broker can be reached at present; None where there is none."""


class NoBell:
    """Nobody to ring for: workers look by themselves."""

    def ring(self, queue: Queue) -> None:
        pass

    def works(self) -> None:
        return None


class LocalBell:
    """Wakes the local workers of this process."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def ring(self, queue: Queue) -> None:
        self._wake()

    def works(self) -> None:
        return None


def bell_for(redis_url: str | None) -> Bell:
    """The bell that fits the settings: Redis, or none."""
    if not redis_url:
        return NoBell()
    from service.queue.redis_bell import RedisBell  # one machine needs no kombu

    return RedisBell(redis_url)
