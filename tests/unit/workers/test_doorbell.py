"""The doorbell of a local worker, as a real process hears it."""

from __future__ import annotations

import signal
import subprocess
import sys

SURPRISED = """
import signal
from workers.local import Doorbell

doorbell = Doorbell()
signal.signal(signal.SIGTERM, doorbell.leave)
with doorbell.rung._cond:  # as in the middle of waiting
    signal.raise_signal(signal.SIGTERM)
print("left" if doorbell.leaving.is_set() else "stayed", flush=True)
"""


def listener(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_signal_at_any_moment_does_not_lock_the_worker_up() -> None:
    with listener(SURPRISED) as process:
        try:
            said, complained = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (said, process.returncode) == ("left\n", 0), complained


WAITER = """
from workers.local import Doorbell

doorbell = Doorbell()
print("ready", flush=True)
doorbell.wait(60)
gone = doorbell.leaving.is_set()
print("rung, leaving" if gone else "rung", flush=True)
if not gone:
    doorbell.wait(60)
    print("leaving" if doorbell.leaving.is_set() else "rung again", flush=True)
"""


def test_a_line_wakes_the_worker_and_the_end_of_its_input_makes_it_leave() -> None:
    with listener(WAITER) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "rung\n"
        process.stdin.close()
        assert process.stdout.readline() == "leaving\n"
        assert process.wait(60) == 0


SLEEPER = """
import signal
from workers.local import Doorbell

doorbell = Doorbell()
signal.signal(signal.SIGTERM, doorbell.leave)
print("ready", flush=True)
while not doorbell.leaving.is_set():
    doorbell.wait(0.5)
"""


def test_a_worker_that_is_told_to_stop_leaves() -> None:
    with listener(SLEEPER) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


DEEP = """
import hashlib
import os
import signal
import threading
from workers.local import Doorbell

doorbell = Doorbell()
doorbell.leave_at(signal.SIGTERM)
seen = threading.Thread(target=lambda: (doorbell.leaving.wait(), print("leaving", flush=True), os._exit(0)))
seen.start()
print("ready", flush=True)
hashlib.pbkdf2_hmac("sha256", b"deep", b"in C", 2**31 - 1)  # for many minutes, and no handler runs meanwhile
"""


def test_a_signal_is_heard_while_the_main_thread_is_deep_in_something_that_is_not_python() -> None:
    with listener(DEEP) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGTERM)
            said, complained = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (said, process.returncode) == ("leaving\n", 0), complained
