"""The lookout: interrupts what computes for long without a step, once nobody wants it any more.

A reporter obeys between two steps. A single step may take minutes, a probe or a compilation has none: so after some
seconds a thread looks, and the main thread is interrupted by a signal, between two of Python's operations.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import structlog

LATE_SECONDS = 4.0
"""of computing without a step, after which somebody looks"""
LOOK_SECONDS = 1.0
"""between two looks"""
IDLE_LOOKS = 5
"""looks at nothing after which the thread ends; the next computation starts another"""

log = structlog.stdlib.get_logger("memspan.worker")


class Interrupted(BaseException):
    """Nobody wants the computation any more. Not an ``Exception``: nothing that computes may take it for its own."""


class Lookout:
    """Watches over the computations of the main thread; elsewhere, and where there are no such signals, it is blind."""

    def __init__(
        self, late_seconds: float = LATE_SECONDS, look_seconds: float = LOOK_SECONDS, signalled: int = signal.SIGALRM
    ) -> None:
        self._late, self._look, self._signal = late_seconds, look_seconds, signalled
        self._computing = False
        self._since = 0.0
        self._unwanted: Callable[[], bool] = lambda: False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._sees = threading.current_thread() is threading.main_thread()
        if self._sees:
            signal.signal(signalled, self._interrupt)

    @contextmanager
    def computing(self, unwanted: Callable[[], bool]) -> Iterator[None]:
        """A computation without a step of its own.

        Args:
            unwanted: asked in another thread, once it is late; it ends or gives back what nobody wants.

        Raises:
            Interrupted: it was unwanted.
        """
        self._unwanted, self._since = unwanted, time.monotonic()
        self._start()
        self._computing = True
        try:
            yield
        finally:
            self._computing = False

    def _start(self) -> None:
        """See to it that somebody looks."""
        with self._lock:
            if self._sees and self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="lookout", daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        idle = 0
        while True:
            time.sleep(self._look)
            idle = 0 if self._computing else idle + 1
            with self._lock:
                if idle >= IDLE_LOOKS:
                    self._thread = None
                    return
            if self._computing and time.monotonic() - self._since >= self._late:
                self._ask()

    def _ask(self) -> None:
        try:
            unwanted = self._unwanted()
        except Exception as error:  # the database may be away; the next look finds out
            log.warning("not_looked", error=str(error))
            return
        main = threading.main_thread().ident
        if unwanted and main is not None:
            signal.pthread_kill(main, self._signal)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        """In the main thread: what came too late, when something else is done already, is no interruption.

        What Python calls on its own, such as a hook of its collector, loses what is raised in it. So an interruption
        after which the computation still goes on when it is late once more is followed by another. A module is imported
        to its end, whoever needs it next: the next look comes soon.
        """
        if self._computing and not _importing(frame):
            self._since = time.monotonic()
            raise Interrupted


def _importing(frame: FrameType | None) -> bool:
    """Whether something is being imported."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
