"""Waiting on conditions, never on the clock alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")
LOOK_SECONDS = 0.05


def until(condition: Callable[[], Answer], seconds: float, what: str) -> Answer:
    """The first true answer of a condition.

    Raises:
        AssertionError: there was none within ``seconds``; it says what was waited for and the last answer.
    """
    deadline = time.monotonic() + seconds
    answer = condition()
    while not answer:
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}; the last answer was {answer!r}"
        time.sleep(LOOK_SECONDS)
        answer = condition()
    return answer
