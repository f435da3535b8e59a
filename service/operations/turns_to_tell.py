"""Turns to tell: when this process last told listeners of an experiment, and of what it still has to tell them."""

import threading
import time
from collections.abc import Callable

REST = 9.0
"""times as long as a telling takes, in which nothing else is told; a second's turns at most"""


class TurnsToTell:
    """Remembers experiments by their keys. Safe to share between threads.

    A process tells for a tenth of its time at most. Where thousands of experiments are served in turn, each of them
    is due whenever one of its stacks ends; nobody would get to anything else.

    Args:
        seconds: between two turns at one experiment.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._told: dict[int, float] = {}
        self._untold: set[int] = set()
        self._rests_until = float("-inf")
        self._lock = threading.Lock()

    def due(self, experiment: int) -> bool:
        """Whether it is time to try; where it is too soon, it is remembered that there is something to tell."""
        with self._lock:
            if self._come(experiment, self._clock()):
                return True
            self._untold.add(experiment)
            return False

    def _come(self, experiment: int, moment: float) -> bool:
        """Whether the turn of an experiment has come, and that of telling at all."""
        return moment >= self._rests_until and moment - self._told.get(experiment, float("-inf")) >= self._seconds

    def tried(self, experiment: int, told: bool, took: float = 0.0) -> None:
        """Somebody has told of it now: this process, which ``took`` so many seconds, or another that was faster."""
        with self._lock:
            moment = self._clock()
            self._rests_until = moment + min(REST * took, self._seconds)
            self._told = {key: at for key, at in self._told.items() if moment - at < self._seconds}
            self._told[experiment] = moment
            if told:
                self._untold.discard(experiment)
            else:
                self._untold.add(experiment)

    def waiting(self) -> list[int]:
        """The experiments of which there is something to tell, and whose turn has come."""
        with self._lock:
            moment = self._clock()
            return [key for key in self._untold if self._come(key, moment)]

    def over(self, experiment: int) -> None:
        """It has ended; its last event says all."""
        with self._lock:
            self._untold.discard(experiment)
            self._told.pop(experiment, None)
