"""Stale cache: the last answer to each question, asked anew when what it is made of has changed, not all the time."""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cachetools import LRUCache

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class _Known(Generic[Thing]):
    thing: Thing
    version: Hashable
    made_at: float


class StaleCache(Generic[Thing]):
    """A cache of the last answers to ``most`` questions. Safe to share between threads.

    Args:
        seconds: for so long an answer may be given again although what it is made of has changed meanwhile.
        looked_up: told at each look whether there was an answer to give again.
    """

    def __init__(
        self,
        seconds: float,
        most: int,
        clock: Callable[[], float] = time.monotonic,
        looked_up: Callable[[bool], None] = lambda hit: None,
    ) -> None:
        self._seconds, self._clock, self._looked_up = seconds, clock, looked_up
        self._known: LRUCache[Hashable, _Known[Thing]] = LRUCache(most)
        self._lock = threading.Lock()

    def get(self, name: Hashable, version: Hashable, changing: bool, make: Callable[[], Thing]) -> Thing:
        """The answer of that name.

        Args:
            version: of what it is made of.
            changing: whether that goes on changing; what has settled is never answered from before.
        """
        with self._lock:
            known = self._known.get(name)
        hit = known is not None and (known.version == version or (changing and self._is_fresh(known)))
        self._looked_up(hit)
        if known is not None and hit:
            return known.thing
        made = _Known(make(), version, self._clock())
        with self._lock:
            self._known[name] = made
        return made.thing

    def _is_fresh(self, known: _Known[Thing]) -> bool:
        return self._clock() - known.made_at < self._seconds
