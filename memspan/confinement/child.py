"""The child's side: it lays down what it could take too much of, then imports its work and answers until nobody asks.

Nothing but the standard library is imported ahead of the limits.
"""

from __future__ import annotations

import importlib
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from memspan.confinement.errors import Refused
from memspan.confinement.frame import HEAD, Frame
from memspan.confinement.system_calls import forbid

Work: TypeAlias = Callable[[Frame], Frame]
"""Answers one question. Raises Refused with a sentence, MemoryError where there is too little."""
LOOK_SECONDS = 1.0
"""between two looks at whether the parent is still there"""


def live(work: str, bounds: dict[str, Any], parent: int) -> None:
    """Answer what comes in at descriptor 0 at descriptor 1, until it is closed.

    Args:
        work: ``module:function``; the function is called once, ahead of the first question, and gives a ``Work``.
    """
    _limit(bounds)
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    module, _, name = work.partition(":")
    try:
        begin = getattr(importlib.import_module(module), name)
        forbid()
        answer: Work = begin()
    except MemoryError:
        _write(Frame({"out_of_memory": True}))
        return
    _write(Frame({"ready": True}))
    while (question := _read()) is not None:
        _allow_processor(int(bounds["processor_seconds"]))
        _write(_answered(answer, question))


def _limit(bounds: dict[str, Any]) -> None:
    for kind, most in (
        (resource.RLIMIT_AS, int(bounds["memory_bytes"])),
        (resource.RLIMIT_NOFILE, int(bounds["descriptors"])),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (lower, lower))
    _allow_processor(int(bounds["processor_seconds"]))


def _allow_processor(seconds: int) -> None:
    """So many seconds of processor time from now on; the signal of the limit ends the process."""
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    most = int(time.process_time()) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _follow(parent: int) -> None:
    """End with the parent, also in the middle of a computation."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(0)


def _answered(answer: Work, question: Frame) -> Frame:
    try:
        return answer(question)
    except Refused as refusal:
        return Frame({"refused": str(refusal), "place": refusal.place})
    except MemoryError:
        return Frame({"out_of_memory": True})


def _read() -> Frame | None:
    """The next question; None once there is none any more."""
    import json

    head = _exactly(HEAD.size)
    if head is None:
        return None
    document, payload = HEAD.unpack(head)
    text, rest = _exactly(document), _exactly(payload)
    return None if text is None or rest is None else Frame(json.loads(text), rest)


def _exactly(count: int) -> bytearray | None:
    """So many bytes of descriptor 0, None where it ends before."""
    data = bytearray(count)
    view, done = memoryview(data), 0
    while done < count:
        read = os.readv(0, [view[done : done + 2**20]])
        if not read:
            return None
        done += read
    return data


def _write(frame: Frame) -> None:
    for part in frame.parts():
        view = memoryview(part).cast("B")
        while view:
            view = view[os.write(1, view) :]
