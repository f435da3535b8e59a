"""The stopwatch: how long this worker's work takes beside what the model of cost says, for better estimates."""

import time
from collections.abc import Callable

import structlog

from memspan.engine.placement import place
from memspan.engine.trainer import Trainer
from memspan.experiment.fleet import Work, work_of
from memspan.experiment.probing import asked_seconds
from service.operations import work as operations
from service.operations.claiming import ClaimedRuns
from service.operations.context import Context
from service.operations.probes import ClaimedProbe

TELL_SECONDS = 5.0
"""of measured work between two reports; shorter work is reported when the worker has nothing left to do"""
IMPLAUSIBLE = 20.0
"""times as long as the model says: rather a database that was away, or a laptop that slept, than a slow machine"""

log = structlog.stdlib.get_logger("memspan.worker")


class Stopwatch:
    """Adds up modelled and measured seconds by kind of work."""

    def __init__(self, context: Context, host: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._context, self._host, self._clock = context, host, clock
        self._spent: dict[Work, tuple[float, float]] = {}

    def lap(self, work: ClaimedRuns) -> "Lap":
        """Begin to time the training of claimed runs."""
        return Lap(self, work, self._clock)

    def probe(self, work: ClaimedProbe, measured: float) -> None:
        """A probe is answered. Its answer is stored by now: what can't be reckoned is said in the log, and left out."""
        try:
            modelled = asked_seconds(work.spec, place(work.condition), len(work.weights))
        except Exception:  # of a part that somebody adds
            log.exception("probe_not_modelled", kind=work.spec.kind)
        else:
            self.add("probe", modelled, measured)

    def add(self, work: Work, modelled: float, measured: float) -> None:
        """Work that is done. What the model knows nothing of is left out, and so is time that can't have been work."""
        if modelled <= 0 or measured > IMPLAUSIBLE * modelled + TELL_SECONDS:
            return
        before = self._spent.get(work, (0.0, 0.0))
        self._spent[work] = (before[0] + modelled, before[1] + measured)
        if sum(seconds for _, seconds in self._spent.values()) >= TELL_SECONDS:
            self.tell()

    def tell(self) -> None:
        """Store what was measured. An estimate is not worth an error: what can't be stored now is kept for later."""
        if not self._spent:
            return
        try:
            operations.note_pace(self._context, self._host, self._spent)
        except Exception as error:  # whatever a database that is away or busy raises
            log.warning("pace_not_stored", error=str(error))
        else:
            self._spent = {}


class Lap:
    """Times the training of one claim, but for what is done between its steps: reports, and probes."""

    def __init__(self, watch: Stopwatch, work: ClaimedRuns, clock: Callable[[], float]) -> None:
        self._watch, self._clock = watch, clock
        self._work = work_of(work.placement)
        self._modelled = work.placement.seconds(len(work.runs))
        self._epochs = work.placement.condition.training.most_epochs
        self._computed = 0.0
        self._since = clock()

    def begin(self, trainer: Trainer) -> None:
        """Training goes on from here."""
        self._computed = trainer.computed

    def split(self, trainer: Trainer) -> None:
        """Note what was done since the last split."""
        now, computed = self._clock(), trainer.computed
        share = (computed - self._computed) / self._epochs
        self._watch.add(self._work, share * self._modelled, now - self._since)
        self._computed, self._since = computed, now

    def resume(self) -> None:
        """What was done since the last split was something else."""
        self._since = self._clock()
