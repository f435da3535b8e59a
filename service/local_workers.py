"""Local workers as child processes, woken by a line; to start them, nothing large has to be imported."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Self
from uuid import uuid4

PARENT_VARIABLE = "MEMSPAN_WORKER_PARENT"
LEAVE_SECONDS = 20.0

Child = subprocess.Popen[bytes]


class LocalWorkers:
    """Up to ``count`` children. Safe to share between threads.

    Attributes:
        token: whose children they are, as their rows in the database say.
    """

    def __init__(self, count: int) -> None:
        self.token = uuid4().hex
        self._count = count
        self._children: list[Child] = []
        self._lock = threading.Lock()
        self._ended = False
        self._given: dict[str, str] = {}

    def give(self, variables: Mapping[str, str]) -> None:
        """What those that are started from now on find in their environment."""
        self._given = dict(variables)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self, most: int | None = None) -> None:
        """Start those that are missing, ``most`` in all."""
        with self._lock:
            while not self._ended and len(self._children) < min(self._count, self._count if most is None else most):
                self._children.append(self._spawn())

    def wake(self) -> None:
        """Tell every worker that something waits."""
        with self._lock:
            for child in self._children:
                # It may just have died, and its successor looks by itself; or it has not read for so long that its
                # pipe is full, and what is in there will wake it.
                if child.stdin is not None:
                    with contextlib.suppress(OSError):
                        child.stdin.write(b"\n")

    def dead(self) -> Sequence[Child]:
        """Those that have ended by themselves."""
        with self._lock:
            return [child for child in self._children if child.poll() is not None]

    def forget(self, dead: Sequence[Child]) -> None:
        """Make room for others."""
        with self._lock:
            self._children = [child for child in self._children if child not in dead]
        for child in dead:
            _close(child)

    def stop(self) -> None:
        """Ask all workers to store what they do and to leave, and end those that don't; start none any more."""
        with self._lock:
            self._ended = True
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

    def kill(self) -> None:
        """End all workers at once: what they hold comes back when their leases end."""
        self._ended = True
        for child in list(self._children):
            child.kill()

    def _spawn(self) -> Child:
        environment = {**os.environ, **self._given, PARENT_VARIABLE: self.token}
        child = subprocess.Popen([sys.executable, "-m", "workers"], stdin=subprocess.PIPE, bufsize=0, env=environment)
        if child.stdin is not None:
            os.set_blocking(child.stdin.fileno(), False)
        return child


def _close(child: Child) -> None:
    """Let go of what is left of a child that has ended."""
    if child.stdin is not None:
        child.stdin.close()
