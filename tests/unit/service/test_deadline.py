"""The deadline: a process that was asked to stop is gone, whatever its threads do."""

from __future__ import annotations

import subprocess
import sys
import threading

from service.deadline import Deadline

STUCK = """
import threading
from service.deadline import Deadline

threading.Thread(target=threading.Event().wait).start()  # an interpreter waits for it for ever
Deadline(0.01, last=lambda: print("last", flush=True)).begin()
print("asked", flush=True)
"""


def test_a_process_with_a_thread_that_never_ends_is_ended() -> None:
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["asked", "last"]


def test_the_time_is_counted_from_the_first_signal() -> None:
    ended, codes = threading.Event(), []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    deadline = Deadline(0.01, end=end)
    deadline.begin()
    deadline.begin()
    assert ended.wait(30)
    assert codes == [0]


def test_what_fails_on_the_way_does_not_keep_the_process() -> None:
    ended = threading.Event()

    def fail() -> None:
        raise OSError

    Deadline(0.01, last=fail, end=lambda code: ended.set()).begin()
    assert ended.wait(30)
