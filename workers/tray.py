"""The tray: what short stacks end with, handed in together."""

import time
from collections.abc import Callable

from service.operations import finish_runs
from service.operations.claiming import ClaimedRuns
from service.operations.context import Context
from service.operations.finish_runs import TrainedStack
from workers.patience import LeftUndone, patiently

LONGEST_SECONDS = 1.0
"""that something lies in the tray: what a death may cost, beside a slice"""


class Tray:
    """Collects finished stacks of one lease, and hands them in when the oldest has lain there for long enough.

    Args:
        leaving: says whether this process is asked to stop.
        refused: told of a stack that can't be stored, and why; its mates are.
    """

    def __init__(
        self,
        context: Context,
        leaving: Callable[[], bool],
        refused: Callable[[ClaimedRuns, Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context, self._leaving, self._refused, self._clock = context, leaving, refused, clock
        self._trained: list[TrainedStack] = []
        self._since = 0.0

    def put(self, trained: TrainedStack) -> None:
        """Take what a stack ended with."""
        if not self._trained:
            self._since = self._clock() - trained.seconds
        self._trained.append(trained)
        if self._clock() - self._since >= LONGEST_SECONDS:
            self.hand_in()

    def hand_in(self) -> None:
        """Store all that lies here; where that fails, stack by stack."""
        trained, self._trained = self._trained, []
        try:
            self._store(trained)
        except LeftUndone:
            raise
        except Exception:
            for each in trained:
                self._alone(each)

    def _alone(self, trained: TrainedStack) -> None:
        try:
            self._store([trained])
        except LeftUndone:
            raise
        except Exception as error:
            self._refused(trained.work, error)

    def _store(self, trained: list[TrainedStack]) -> None:
        if trained:
            patiently(lambda: finish_runs.hand_in(self._context, trained), self._leaving)
