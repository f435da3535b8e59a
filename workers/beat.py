"""The beat: keeps the lease of what this process works on, and its entry in the table of workers."""

import threading
import time

import structlog

from memspan.engine.fused import sources
from service.counts import Counted
from service.meters import resident_bytes
from service.operations import counting, work
from service.operations.context import Context
from service.storage import workers
from service.storage.database_errors import DatabaseError
from service.storage.workers import PRESENCE_SECONDS, Identity

STALLED_SECONDS = 900.0
"""a lease under which no step was made for so long isn't renewed: a hung device must not look alive"""

log = structlog.stdlib.get_logger("memspan.worker")


class Beat:
    """A thread that beats every quarter of a lease. ``hold`` and ``let_go`` say what there is to keep.

    In between it only says that the worker is there, so that a process that is started again knows what is gone.
    """

    def __init__(self, context: Context, identity: Identity) -> None:
        self._context, self._identity = context, identity
        self._seconds = context.settings.lease_seconds / 4
        self._leases: list[str] = []
        self._stepped = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)

    def start(self) -> None:
        """Make this worker known and start beating."""
        with self._context.database.writing() as connection:
            workers.register(connection, self._identity)
        self._thread.start()

    def hold(self, lease: str) -> None:
        """Keep a lease from now on; a probe may be answered in the middle of training, so there can be two."""
        self._stepped = time.monotonic()
        self._leases.append(lease)

    def let_go(self, lease: str) -> None:
        self._leases.remove(lease)

    def stepped(self) -> None:
        """The work moves on."""
        self._stepped = time.monotonic()

    def end(self) -> None:
        """Stop beating and leave the table of workers."""
        self._ended.set()
        self._thread.join(timeout=5)
        self._count_loops()
        try:
            counting.hand_in(self._context, self._identity.name)
            with self._context.database.writing() as connection:
                workers.leave(connection, self._identity.name)
        except DatabaseError as error:  # the patrol forgets those that fall silent
            log.warning("not_signed_off", error=str(error))

    def _run(self) -> None:
        due = time.monotonic() + self._seconds
        while not self._ended.wait(min(self._seconds, PRESENCE_SECONDS)):
            try:
                if time.monotonic() >= due:
                    due = time.monotonic() + self._seconds
                    self._beat()
                else:
                    self._say_present()
            except Exception as error:  # the next beat may succeed; a lease outlives three that don't
                log.warning("beat_missed", error=str(error))

    def _beat(self) -> None:
        leases = list(self._leases)
        if time.monotonic() - self._stepped < STALLED_SECONDS:
            for lease in leases:
                work.beat(self._context, lease)
        self._say_present()
        self._count_loops()
        counting.hand_in(self._context, self._identity.name)

    def _say_present(self) -> None:
        leases = list(self._leases)
        state, held = ("busy", leases[-1]) if leases else ("idle", None)
        with self._context.database.writing() as connection:
            if not workers.beat(connection, self._identity.name, state, held, resident_bytes()):
                workers.register(connection, self._identity)

    def _count_loops(self) -> None:
        for source, count in sources.taken().items():
            self._context.database.counts.add(Counted.LOOPS, source, count)
