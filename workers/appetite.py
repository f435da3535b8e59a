"""The appetite: how many short stacks a worker claims at once."""

from collections.abc import Sequence

from service.operations.claiming import ClaimedRuns
from service.storage.leases import Helping

SECONDS = 1.0
"""of work that is claimed at once: long beside a claim, short beside a study that others want to share"""
MOST = 32
"""stacks"""


class Appetite:
    """Grows while stacks turn out to be short, and shrinks with the first long one."""

    def __init__(self) -> None:
        self._most = 1
        self._pace = 1.0

    def helping(self) -> Helping:
        """What to claim next: about a second's worth, by their estimates and how long such took."""
        return Helping(self._most, SECONDS / self._pace)

    def note(self, claimed: Sequence[ClaimedRuns], measured: float) -> None:
        """Stacks that were claimed together took so many seconds."""
        modelled = sum(each.placement.seconds(len(each.runs)) for each in claimed)
        self._pace = max(measured, 1e-6) / modelled if modelled > 0 else 1.0
        fitting = int(SECONDS * len(claimed) / max(measured, 1e-6))
        self._most = max(1, min(2 * len(claimed), fitting, MOST))
