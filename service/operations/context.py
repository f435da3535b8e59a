"""What every operation needs: settings, the database and the bell."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import TypeAlias, TypeVar

from cachetools import LRUCache, cached

from service.operations.loaded_model import LoadedModel
from service.operations.stale_cache import StaleCache
from service.queue.bell import Bell
from service.settings import Settings
from service.storage.database import Database

RESULTS_BYTES = 32 * 2**20
"""answers about experiments, kept while nothing changes"""
CLAIMS_SECONDS = 5.0
"""a study that runs is judged no more often: thousands of runs take half a second"""
REMAINING_SECONDS = 2.0
"""a worker that tells of progress reckons what is left no more often: of 100 000 runs it takes a tenth of a second"""
GROUPS = 256
"""of studies whose verdicts are kept"""


Thing = TypeVar("Thing")
Kept: TypeAlias = Callable[[Hashable, Callable[[], Thing]], Thing]
"""gives the thing of a name, made now unless it is still there"""


def kept(most_bytes: int, size: Callable[[Thing], int]) -> Kept[Thing]:
    """Things that were made last, up to a number of bytes; the one used longest ago goes first.

    Safe to share between threads, two of which may make the same thing at once. Whoever holds a thing keeps it alive;
    one that is larger than all bytes is handed out and not kept.
    """

    def made(name: Hashable, make: Callable[[], Thing]) -> Thing:
        return make()

    return cached(LRUCache(most_bytes, size), key=lambda name, make: name, lock=threading.Lock())(made)


@dataclass(frozen=True)
class Context:
    """The surroundings of an operation; made once for each process."""

    settings: Settings
    database: Database
    bell: Bell
    results: Kept[bytes] = field(default_factory=lambda: kept(RESULTS_BYTES, bytes.__len__))
    claims: StaleCache[bytes] = field(default_factory=lambda: StaleCache(CLAIMS_SECONDS, GROUPS))
    remaining: StaleCache[float | None] = field(default_factory=lambda: StaleCache(REMAINING_SECONDS, GROUPS))

    @cached_property
    def models(self) -> Kept[LoadedModel]:
        """Models ready for predictions."""
        return kept(self.settings.model_cache_bytes, attrgetter("bytes"))
