"""The supervisor: keeps all local workers alive, and walks the patrol meanwhile."""

import socket
import threading
from typing import Self

import structlog

from service.local_workers import LocalWorkers
from service.operations import patrol
from service.operations.context import Context
from service.operations.inheritance import Inheritance

WATCH_SECONDS = 0.5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0

log = structlog.stdlib.get_logger("memspan.supervisor")


class Supervisor:
    """Watches over local workers in a thread: starts those that are missing, and others for those that die."""

    def __init__(self, workers: LocalWorkers, context: Context) -> None:
        self._workers, self._context = workers, context
        self._ended = threading.Event()
        self._pause = FIRST_PAUSE_SECONDS
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch. The workers that are missing are started at the first look, a moment from now."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop the workers and the watch over them."""
        self._ended.set()
        self._workers.stop()
        self._thread.join(timeout=5)

    def _watch(self) -> None:
        every = max(1, round(self._context.settings.lease_seconds / 12 / WATCH_SECONDS))
        inheritance = Inheritance(self._context, self._workers.token, socket.gethostname())
        rounds, inherited = 0, False
        while not self._ended.wait(WATCH_SECONDS):
            try:
                self._replace_dead()
                inherited = inherited or inheritance.look()
                if rounds % every == 0:
                    patrol.walk(self._context, self._workers.token)
            except Exception as error:  # the database may be away; the next round finds out
                log.warning("patrol_stopped", error=str(error))
            rounds += 1

    def _replace_dead(self) -> None:
        """Take back what dead workers held and start others, more slowly if they keep dying."""
        dead = self._workers.dead()
        if dead:
            for child in dead:
                log.warning("worker_died", pid=child.pid, code=child.returncode)
            patrol.reap(self._context, self._workers.token)
            if self._ended.wait(self._pause):
                return
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
            self._workers.forget(dead)
        else:
            self._pause = max(FIRST_PAUSE_SECONDS, self._pause * 0.98)
        self._workers.start()
