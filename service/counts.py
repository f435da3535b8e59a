"""Counts: what a process has counted and the database doesn't have yet.

Runs end in many processes that come and go, and one address tells of them all. So each process counts for itself and
hands its counts in now and then; ``/metrics`` reads the sums.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum


class Counted(StrEnum):
    """What is counted, as it is called in the database; beside each what tells its values apart (``label``)."""

    RUNS_ENDED = "runs_ended"
    """state"""
    RUNS_FAILED = "runs_failed"
    """reason"""
    PROBES_ENDED = "probes_ended"
    """state"""
    LEASES_LOST = "leases_lost"
    """runs or probes"""
    WORKERS_DIED = "workers_died"
    """nothing"""
    SLICES = "slices"
    """upper bound in seconds of the bucket that a slice falls into, as text"""
    SLICE_SECONDS = "slice_seconds"
    """nothing"""
    LOOPS = "loops"
    """compiled, or loaded from disk"""


SLICE_BOUNDS = (0.1, 0.3, 1.0, 3.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, float("inf"))
"""upper bounds in seconds of the buckets that slices are counted in"""

Amounts = Mapping[tuple[Counted, str], float]
"""by what is counted and its label"""


class Counts:
    """Counts of one process. Safe to share between threads."""

    def __init__(self) -> None:
        self._amounts: dict[tuple[Counted, str], float] = defaultdict(float)
        self._lock = threading.Lock()

    def add(self, counted: Counted, label: str = "", amount: float = 1) -> None:
        """Count something."""
        self.add_all({(counted, label): amount})

    def add_all(self, amounts: Amounts) -> None:
        """Count several things, or give back what could not be handed in."""
        with self._lock:
            for place, amount in amounts.items():
                if amount:
                    self._amounts[place] += amount

    def slice(self, seconds: float) -> None:
        """Count a slice by how long it took."""
        bound = next(bound for bound in SLICE_BOUNDS if seconds <= bound)
        self.add_all({(Counted.SLICES, str(bound)): 1, (Counted.SLICE_SECONDS, ""): seconds})

    def take(self) -> Amounts:
        """All counts since this was last asked."""
        with self._lock:
            taken, self._amounts = self._amounts, defaultdict(float)
        return taken
