"""The deadline: a process that was asked to stop is gone in time, whatever its threads do.

A thread that computes can't be ended, and an interpreter waits for all its threads before it ends.
"""

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable

END_SECONDS = 9.0
"""from the signal to the end, for those that have not stopped by themselves"""


def _nothing() -> None:
    return None


class Deadline:
    """Ends this process ``seconds`` after ``begin``.

    Args:
        seconds: how long an orderly end may take.
        last: done before the end, as killing children.
        end: ends the process.
    """

    def __init__(
        self,
        seconds: float = END_SECONDS,
        last: Callable[[], None] = _nothing,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._seconds, self._last, self._end = seconds, last, end
        self._timer: threading.Timer | None = None

    def begin(self) -> None:
        """Start to count; later calls change nothing."""
        if self._timer is None:
            self._timer = threading.Timer(self._seconds, self._pass)
            self._timer.daemon = True
            self._timer.start()

    def _pass(self) -> None:
        logging.getLogger("memspan.serving").warning("Ended with work under way: it did not stop in time.")
        with contextlib.suppress(Exception):
            self._last()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        self._end(0)
