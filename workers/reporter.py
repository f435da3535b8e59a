"""The reporter: writes what training tells into storage, in short units of work."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from enum import Enum, auto

import structlog

from memspan.engine.events import Evaluated, Event, Finished
from memspan.engine.trainer import Trainer
from service.operations import finish_runs
from service.operations import work as operations
from service.operations.claiming import ClaimedRuns
from service.operations.context import Context
from service.operations.finish_runs import TrainedStack
from service.operations.progress import TIME_IS_UP
from service.operations.work import Order
from service.storage.states import Reason, RunState
from workers.patience import Answer, patiently
from workers.tray import Tray

TELL_SECONDS = 1.0
"""between two reports of progress; work that is done sooner is reported once"""

log = structlog.stdlib.get_logger("memspan.worker")


class Fate(Enum):
    """What became of claimed runs."""

    DONE = auto()
    GIVEN_BACK = auto()
    ENDED = auto()
    LOST = auto()
    INTERRUPTED = auto()
    """nobody wanted them any more: they were ended or given back while they were computed"""


class Reporter:
    """Carries one claim from the first step to its end.

    Args:
        tray: takes what the runs end with.
        leaving: says whether this process is asked to stop; what runs is then stored and given back.
        interlude: called after each report, for what should not wait for the end of training.
    """

    def __init__(
        self,
        context: Context,
        work: ClaimedRuns,
        trainer: Trainer,
        tray: Tray,
        leaving: Callable[[], bool],
        interlude: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context, self._work, self._trainer, self._tray = context, work, trainer, tray
        self._leaving, self._interlude, self._clock = leaving, interlude, clock
        self._measured: dict[int, list[tuple[int, Mapping[str, float]]]] = defaultdict(list)
        self._told = self._kept = clock()

    def _patiently(self, work: Callable[[], Answer]) -> Answer:
        return patiently(work, self._leaving)

    def take(self, event: Event) -> Fate | None:
        """Note an event, and write when it is time; what became of the runs, None while they go on."""
        if isinstance(event, Evaluated):
            for repeat, values in event.metrics.items():
                self._measured[repeat].append((event.epoch, values))
        if isinstance(event, Finished):
            return self._finish(event)
        now = self._clock()
        if self._leaving() or now - self._kept >= self._context.settings.slice_seconds:
            return self._keep(now)
        return self._tell(now) if now - self._told >= TELL_SECONDS else None

    def _finish(self, event: Finished) -> Fate:
        engine = self._trainer.engine
        self._tray.put(TrainedStack(self._work, event.outcomes, event.seconds, self._measured, engine))
        self._sliced(self._clock())
        return Fate.DONE

    def _tell(self, now: float) -> Fate | None:
        order = self._patiently(
            lambda: operations.tell(self._context, self._work, self._trainer.progress, self._measured)
        )
        self._told = now
        self._measured.clear()
        return self._obey(order)

    def _keep(self, now: float) -> Fate | None:
        """Store a slice; a process that leaves gives its runs back with it."""
        trainer = self._trainer
        snapshots = trainer.snapshots()
        order = self._patiently(
            lambda: operations.keep(
                self._context, self._work, snapshots, trainer.position, trainer.progress, self._measured
            )
        )
        self._sliced(now)
        self._told = self._kept = now
        self._measured.clear()
        if order is Order.GO_ON and self._leaving():
            return self._give_back()
        return self._obey(order, kept=True)

    def _sliced(self, now: float) -> None:
        """Count a slice: from the last store to this."""
        self._context.database.counts.slice(now - self._kept)

    def _obey(self, order: Order, kept: bool = False) -> Fate | None:
        match order:
            case Order.GO_ON:
                self._interlude()
                return None
            case Order.STOP:
                log.warning("lease_lost")
                return Fate.LOST
            case Order.CANCEL:
                return self._end(RunState.CANCELLED)
            case Order.TIME_IS_UP:
                return self._end(RunState.FAILED, Reason.TIMEOUT, TIME_IS_UP)
            case Order.RELEASE:
                return self._give_back() if kept else self._keep(self._clock())

    def _give_back(self) -> Fate:
        self._patiently(lambda: operations.give_back(self._context, self._work))
        return Fate.GIVEN_BACK

    def _end(self, state: RunState, reason: Reason | None = None, detail: str | None = None) -> Fate:
        self._patiently(lambda: finish_runs.end(self._context, self._work, state, reason, detail))
        return Fate.ENDED
