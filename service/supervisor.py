"""The supervisor: local workers as child processes, woken by a line, restarted when they die."""

import contextlib
import os
import subprocess
import sys
import threading
from uuid import uuid4

import structlog

from service.operations import patrol
from service.operations.context import Context

WATCH_SECONDS = 0.5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
LEAVE_SECONDS = 20.0
PARENT_VARIABLE = "MEMSPAN_WORKER_PARENT"

log = structlog.stdlib.get_logger("memspan.supervisor")


class Supervisor:
    """Keeps ``count`` local workers alive, and walks the patrol while it does."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._token = uuid4().hex
        self._children: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._pause = FIRST_PAUSE_SECONDS
        self._thread: threading.Thread | None = None

    def start(self, context: Context) -> None:
        """Start the workers and watch over them in a thread."""
        with self._lock:
            self._children = [self._spawn() for _ in range(self._count)]
        self._thread = threading.Thread(target=self._watch, args=(context,), name="supervisor", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Tell every worker that something waits."""
        with self._lock:
            for child in self._children:
                # It may just have died, and its successor looks by itself; or it has not read for so long that its
                # pipe is full, and what is in there will wake it.
                if child.stdin is not None:
                    with contextlib.suppress(OSError):
                        child.stdin.write(b"\n")

    def stop(self) -> None:
        """Ask all workers to store what they do and to leave; end those that don't."""
        self._ended.set()
        with self._lock:
            children = list(self._children)
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            _close(child)
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, PARENT_VARIABLE: self._token}
        command = [sys.executable, "-m", "workers.local"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0, env=environment)
        if child.stdin is not None:
            os.set_blocking(child.stdin.fileno(), False)
        return child

    def _watch(self, context: Context) -> None:
        every = max(1, round(context.settings.lease_seconds / 12 / WATCH_SECONDS))
        rounds = 0
        while not self._ended.wait(WATCH_SECONDS):
            try:
                self._replace_dead(context)
                if rounds % every == 0:
                    patrol.walk(context, self._token)
            except Exception as error:  # the database may be away; the next round finds out
                log.warning("patrol_stopped", error=str(error))
            rounds += 1

    def _replace_dead(self, context: Context) -> None:
        """Take back what dead workers held and start others, more slowly if they keep dying."""
        with self._lock:
            dead = [child for child in self._children if child.poll() is not None]
        if not dead:
            self._pause = max(FIRST_PAUSE_SECONDS, self._pause * 0.98)
            return
        for child in dead:
            log.warning("worker_died", pid=child.pid, code=child.returncode)
        patrol.reap(context, self._token)
        if self._ended.wait(self._pause):
            return
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        with self._lock:
            if self._ended.is_set():
                return
            living = [child for child in self._children if child not in dead]
            self._children = living + [self._spawn() for _ in dead]
        for child in dead:
            _close(child)


def _close(child: subprocess.Popen[bytes]) -> None:
    """Let go of what is left of a child that has ended."""
    if child.stdin is not None:
        child.stdin.close()
