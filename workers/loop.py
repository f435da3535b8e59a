"""The work loop: claims until nothing is left. A Celery bell starts it, a local worker never leaves it."""

import gc
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial

import structlog
import torch
from structlog.contextvars import bound_contextvars

from memspan.confinement import OutOfMemory, OutOfTime
from memspan.datasets.unavailable import DatasetUnavailable
from memspan.engine.fused.warming import warm
from memspan.engine.trainer import Trainer
from memspan.experiment.probing import ask
from service.discretion import told
from service.errors import WeightsDamaged
from service.operations import claiming, finish_runs, ids, task_data, telling
from service.operations import probes as probe_operations
from service.operations import work as operations
from service.operations.claiming import ClaimedRuns
from service.operations.context import Context
from service.operations.probes import ClaimedProbe
from service.operations.splitting import give_back_in_halves
from service.operations.unwanted import probe_unwanted, runs_unwanted
from service.queue_names import Queue
from service.storage import leases
from service.storage.database_errors import DatabaseError
from service.storage.states import Reason, RunState
from service.storage.workers import Identity
from workers.appetite import Appetite
from workers.beat import Beat
from workers.lookout import Interrupted, Lookout
from workers.memory_bound import memory_bound
from workers.patience import Answer, LeftUndone, patiently
from workers.reporter import Fate, Reporter
from workers.stopwatch import Stopwatch
from workers.tray import Tray

OUT_OF_MEMORY = ("can't allocate memory", "bad_alloc", "can't start new thread", "failed to map segment")
"""what the errors of torch, of Python's threads (each needs a stack) and of the loader of libraries say then"""

log = structlog.stdlib.get_logger("memspan.worker")


def about_runs(work: ClaimedRuns) -> dict[str, str | int]:
    """What every line says that is logged while claimed runs are trained."""
    told: dict[str, str | int] = {
        "experiment": ids.public(ids.EXPERIMENT, work.experiment),
        "claim": work.lease,
        "attempt": work.attempt,
    }
    return told if work.request_id is None else {**told, "request_id": work.request_id}


def about_probe(work: ClaimedProbe) -> dict[str, str]:
    """What every line says that is logged while a probe is measured."""
    return {
        "experiment": ids.public(ids.EXPERIMENT, work.experiment),
        "probe": ids.public(ids.PROBE, work.key),
        "claim": work.lease,
    }


class Loop:
    """One worker process at work.

    Args:
        leaving: says whether the process is asked to stop.
    """

    def __init__(self, context: Context, identity: Identity, beat: Beat, leaving: Callable[[], bool]) -> None:
        self._context, self._identity, self._beat, self._leaving = context, identity, beat, leaving
        task_data.supply(context)
        self._watch = Stopwatch(context, identity.host)
        self._lookout = Lookout()
        self._appetite = Appetite()
        self._served: Queue | None = None
        """the queue that was served last: another one has its turn"""

    def warm(self) -> None:
        """Load the usual compiled loops, or compile them, before the first claim waits for them; unless it leaves."""
        if Queue.CPU in self._identity.queues:
            with suppress(Interrupted), self._lookout.computing(self._leaving):
                warm()

    def work(self, queues: Sequence[Queue]) -> int:
        """Claim and do what waits in ``queues`` until nothing is left or the process leaves; pieces done."""
        done = 0
        try:
            while not self._leaving() and (done or self._waits(queues)) and self._one(queues):
                done += 1  # where there was work there may be more: no second look
        except LeftUndone as error:
            log.warning("left_undone", reason=str(error))
        if done:
            self._watch.tell()
        self._tell_the_rest()
        return done

    def _tell_the_rest(self) -> None:
        """Tell listeners of ends for which it was too soon; the patrol does it where this worker can't."""
        try:
            telling.tell_the_rest(self._context)
        except DatabaseError as error:
            log.warning("not_told", error=str(error))

    def _patiently(self, work: Callable[[], Answer]) -> Answer:
        return patiently(work, self._leaving)

    def _waits(self, queues: Sequence[Queue]) -> bool:
        """A look that takes no lock: idle workers must not disturb busy ones."""
        return self._patiently(lambda: self._look(queues))

    def _look(self, queues: Sequence[Queue]) -> bool:
        with self._context.database.reading() as connection:
            return bool(leases.waiting_queues(connection, queues))

    def _one(self, queues: Sequence[Queue]) -> bool:
        """Do one piece of work, the short ones first; whether there was any."""
        if Queue.PROBE in queues and self._answer_probe():
            return True
        training = sorted(
            (queue for queue in queues if queue is not Queue.PROBE), key=lambda each: each == self._served
        )
        name, helping = self._identity.name, self._appetite.helping()
        claim = partial(claiming.claim_several, self._context, name, training, helping)
        claimed = self._patiently(claim) if training else ()
        if not claimed:
            return False
        self._served = claimed[0].queue
        if claimed[0].more_waits:
            self._context.bell.ring(claimed[0].queue)  # wakes one more, who wakes one more
        self._holding(claimed[0].lease, lambda: self._train_all(claimed))
        return True

    def _answer_probe(self) -> bool:
        """Answer one waiting probe; whether there was one."""
        probe = self._patiently(lambda: probe_operations.claim(self._context, self._identity.name))
        if probe is None:
            return False
        with bound_contextvars(**about_probe(probe)):
            self._holding(probe.lease, lambda: self._measure(probe))
        return True

    def _interlude(self) -> None:
        """In the middle of training, answer probes: they take moments, and would wait for all the training there is."""
        while Queue.PROBE in self._identity.queues and self._waits([Queue.PROBE]):
            if not self._answer_probe():
                return

    def _holding(self, lease: str, work: Callable[[], None]) -> None:
        self._beat.hold(lease)
        try:
            work()
        finally:
            self._beat.let_go(lease)

    def _train_all(self, claimed: Sequence[ClaimedRuns]) -> None:
        """Train stacks that were claimed together; what is not begun when the process leaves is given back."""
        tray = Tray(self._context, self._leaving, self._fail)
        begun = time.monotonic()
        for number, work in enumerate(claimed):
            if number and self._leaving():
                self._patiently(partial(operations.give_back, self._context, work))
                continue
            with bound_contextvars(**about_runs(work)):
                self._train(work, tray)
        tray.hand_in()
        self._appetite.note(claimed, time.monotonic() - begun)

    def _train(self, work: ClaimedRuns, tray: Tray) -> None:
        """Train claimed runs; an error in it is the runs' end, not the worker's."""
        try:
            with self._bound():
                fate = self._report(work, tray)
            log.info("runs_left", fate=fate.name, condition=work.position, runs=len(work.runs))
        except LeftUndone:
            raise
        except Interrupted:
            log.info("runs_left", fate=Fate.INTERRUPTED.name, condition=work.position, runs=len(work.runs))
        except Exception as error:
            self._fail(work, error)

    def _fail(self, work: ClaimedRuns, error: Exception) -> None:
        """Store why runs have failed; those for which there was not enough memory together are tried in halves."""
        reason, detail = diagnosed(error)
        told = about_runs(work) | {"condition": work.position, "runs": len(work.runs)}
        log.error("runs_failed", **told, exc_info=error)
        gc.collect()
        if reason is Reason.OUT_OF_MEMORY and self._patiently(partial(give_back_in_halves, self._context, work)):
            return
        self._patiently(lambda: finish_runs.end(self._context, work, RunState.FAILED, reason, detail))

    def _bound(self) -> AbstractContextManager[None]:
        """The memory that this process may take on its processor; that of a GPU bounds itself."""
        limit = self._identity.memory_limit
        return nullcontext() if limit is None or self._identity.device == "cuda" else memory_bound(limit)

    def _report(self, work: ClaimedRuns, tray: Tray) -> Fate:
        def unwanted() -> bool:
            return runs_unwanted(self._context, work, self._leaving())

        device = "cuda" if work.queue is Queue.GPU and self._identity.device == "cuda" else "cpu"
        lap = self._watch.lap(work)
        with self._lookout.computing(unwanted):
            trainer = Trainer(work.placement, sorted(work.runs), work.snapshots, device)
        lap.begin(trainer)
        reporter = Reporter(self._context, work, trainer, tray, self._leaving, self._interlude)
        events = trainer.events()
        while True:
            with self._lookout.computing(unwanted):
                event = next(events)
            self._beat.stepped()
            lap.split(trainer)
            fate = reporter.take(event)
            if fate:
                return fate
            lap.resume()

    def _measure(self, work: ClaimedProbe) -> None:
        """Measure a claimed probe; an error in it is stored as its reason."""

        def unwanted() -> bool:
            return probe_unwanted(self._context, work, self._leaving())

        begun = time.monotonic()
        try:
            if work.damaged:
                raise work.damaged
            with self._bound(), self._lookout.computing(unwanted):
                reading = ask(work.spec, work.condition, work.weights)
        except Interrupted:
            log.info("probe_interrupted")
            return
        except Exception as error:
            reason, detail = diagnosed(error)
            log.exception("probe_failed")
            self._patiently(lambda: probe_operations.fail(self._context, work, reason, detail))
            return
        measured = time.monotonic() - begun
        self._patiently(lambda: probe_operations.finish(self._context, work, reading))
        self._watch.probe(work, measured)


def diagnosed(error: Exception) -> tuple[Reason, str]:
    """Why work failed: a reason for programs, a sentence for people."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(said in str(error) for said in OUT_OF_MEMORY):
        return Reason.OUT_OF_MEMORY, "There was not enough memory; take a smaller model, batch, length or data set."
    if isinstance(error, OutOfMemory):
        return Reason.OUT_OF_MEMORY, told(error)
    if isinstance(error, OutOfTime):
        return Reason.TIMEOUT, told(error)
    if isinstance(error, WeightsDamaged):
        return Reason.WEIGHTS_DAMAGED, error.detail
    if isinstance(error, DatasetUnavailable):
        return Reason.DATA_UNAVAILABLE, told(error)
    return Reason.ERROR, told(error)
