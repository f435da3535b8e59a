"""What every operation needs: settings, the database and the bell."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property, partial
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

from cachetools import LRUCache, TTLCache, cached

from service.meters import Meters
from service.operations.loaded_model import LoadedModel
from service.operations.stale_cache import StaleCache
from service.operations.turns_to_tell import TurnsToTell
from service.queue.bell import Bell
from service.settings import Settings
from service.storage.database import Database

RESULTS_BYTES = 32 * 2**20
"""answers about experiments, kept while nothing changes"""
CLAIMS_SECONDS = 5.0
"""a study that runs is judged no more often: thousands of runs take half a second"""
REMAINING_SECONDS = 2.0
"""a worker that tells of progress reckons what is left no more often: of 100 000 runs it takes a tenth of a second"""
TELL_SECONDS = 1.0
"""listeners are told of an experiment's progress no more often, however many workers are busy with it"""
GROUPS = 256
"""of studies whose verdicts are kept"""
LATELY_SECONDS = 2.0
"""for so long those who watch the service are told the same: be there one of them, or a hundred"""

Thing = TypeVar("Thing")
Kept: TypeAlias = Callable[[Hashable, Callable[[], Thing]], Thing]
"""gives the thing of a name, made now unless it is still there"""


def unheard(hit: bool) -> None:
    """Whether a cache had something is nobody's concern."""


def kept(most_bytes: int, size: Callable[[Thing], int], looked_up: Callable[[bool], None] = unheard) -> Kept[Thing]:
    """Things that were made last, up to a number of bytes; the one used longest ago goes first.

    Safe to share between threads, two of which may make the same thing at once. Whoever holds a thing keeps it alive;
    one that is larger than all bytes is handed out and not kept.

    Args:
        looked_up: told at each look whether the thing was there.
    """

    def made(name: Hashable, make: Callable[[], Thing]) -> Thing:
        return make()

    cache = cached(LRUCache(most_bytes, size), key=lambda name, make: name, lock=threading.Lock())(made)

    def looked(name: Hashable, make: Callable[[], Thing]) -> Thing:
        hit = True

        def missed() -> Thing:
            nonlocal hit
            hit = False
            return make()

        thing = cache(name, missed)
        looked_up(hit)
        return thing

    return looked


def lately(seconds: float) -> Kept[Any]:
    """Things that were made within so many seconds; of those who ask at once one makes it, and the others wait."""

    def made(name: Hashable, make: Callable[[], Any]) -> Any:
        return make()

    return cached(TTLCache(64, seconds), key=lambda name, make: name, condition=threading.Condition())(made)


@dataclass(frozen=True)
class Context:
    """The surroundings of an operation; made once for each process."""

    settings: Settings
    database: Database
    bell: Bell
    meters: Meters = field(default_factory=Meters)
    lately: Kept[Any] = field(default_factory=lambda: lately(LATELY_SECONDS))
    tell_seconds: float = TELL_SECONDS

    @cached_property
    def results(self) -> Kept[bytes]:
        """Answers about experiments, and their figures."""
        return kept(RESULTS_BYTES, bytes.__len__, self._looked_up("results"))

    @cached_property
    def claims(self) -> StaleCache[bytes]:
        """Verdicts about groups of studies."""
        return StaleCache(CLAIMS_SECONDS, GROUPS, looked_up=self._looked_up("claims"))

    @cached_property
    def remaining(self) -> StaleCache[float | None]:
        """Remaining seconds of experiments."""
        return StaleCache(REMAINING_SECONDS, GROUPS, looked_up=self._looked_up("remaining"))

    @cached_property
    def turns_to_tell(self) -> TurnsToTell:
        """Of which experiments listeners have been told lately."""
        return TurnsToTell(self.tell_seconds)

    @cached_property
    def models(self) -> Kept[LoadedModel]:
        """Models ready for predictions."""
        return kept(self.settings.model_cache_bytes, attrgetter("bytes"), self._looked_up("models"))

    def _looked_up(self, cache: str) -> Callable[[bool], None]:
        return partial(self.meters.looked_up, cache)
