"""What every operation needs: settings, the database and the bell."""

from dataclasses import dataclass, field
from functools import cached_property

from service.operations.loaded import LoadedModel
from service.operations.shelf import Shelf
from service.operations.stale_cache import StaleCache
from service.queue.bell import Bell
from service.settings import Settings
from service.storage.database import Database

RESULTS_BYTES = 32 * 2**20
"""answers about experiments, kept while nothing changes"""
CLAIMS_SECONDS = 5.0
"""a study that runs is judged no more often: thousands of runs take half a second"""
GROUPS = 256
"""of studies whose verdicts are kept"""


@dataclass(frozen=True)
class Context:
    """The surroundings of an operation; made once for each process."""

    settings: Settings
    database: Database
    bell: Bell
    results: Shelf[tuple[int, int, str], bytes] = field(default_factory=lambda: Shelf(RESULTS_BYTES, len))
    claims: StaleCache[bytes] = field(default_factory=lambda: StaleCache(CLAIMS_SECONDS, GROUPS))

    @cached_property
    def models(self) -> Shelf[int, LoadedModel]:
        """Models ready for predictions."""
        return Shelf(self.settings.model_cache_bytes, lambda model: model.bytes)
