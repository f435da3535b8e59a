"""The parent's side: a child that is asked one question at a time, and is ended where it takes too long."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from memspan.confinement.bounds import MEBIBYTE, Bounds
from memspan.confinement.errors import ChildDied, ConfinementError, OutOfMemory, OutOfTime, Refused
from memspan.confinement.frame import DOCUMENT_BYTES, HEAD, Frame

DEFAULT = Bounds()
SOURCE = str(Path(__file__).resolve().parents[2])
"""the folder that ``memspan`` is imported from, here and in the child"""
WAIT_SECONDS = 0.2
"""between two looks at the clock"""
LAST_SECONDS = 5.0
"""that a child whose pipes are closed has to end by itself"""
PIECE_BYTES = 2**20
PROGRAM = """
import json, sys
folder, work, bounds, parent = sys.argv[1:]
if folder not in sys.path:
    sys.path.insert(0, folder)
from memspan.confinement.child import live
live(work, json.loads(bounds), int(parent))
"""


class Confined:
    """A child process that does one kind of work for whoever asks.

    It is Python on its own (``-I``): no environment but that it has one thread, no home, a working directory that is
    gone, no sockets and no other programs where the system can forbid them (Linux), and the limits of ``bounds``. It
    ends with its parent.

    Args:
        work: ``module:function`` that makes a ``memspan.confinement.child.Work``; imported in the child alone.
        files: descriptors that stay open in the child, by the same numbers, for work that streams a file.

    Raises:
        ConfinementError: it could not even begin.
    """

    def __init__(self, work: str, bounds: Bounds = DEFAULT, files: tuple[int, ...] = ()) -> None:
        self._bounds = bounds
        self._lock = threading.Lock()
        self._process = _started(work, bounds, files)
        try:
            self._received(self._deadline())
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked something."""
        return self._process.poll() is None

    def ask(self, document: dict[str, object], payload: bytes | bytearray | memoryview = b"") -> Frame:
        """Its answer. Several threads wait for each other.

        Raises:
            Refused: the work says why it has none; the child lives and may be asked something else.
            OutOfMemory, OutOfTime, ChildDied: the child is gone; where memory ran out cleanly, it may live.
        """
        with self._lock:
            deadline = self._deadline()
            try:
                for part in Frame(document, payload).parts():
                    self._sent(part, deadline)
                return self._received(deadline)
            except Refused:
                raise
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """End it, whatever it does."""
        process = self._process
        if process.poll() is None:
            process.kill()
        process.wait(LAST_SECONDS)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _deadline(self) -> float:
        return time.monotonic() + self._bounds.seconds

    def _sent(self, data: bytes | bytearray | memoryview, deadline: float) -> None:
        view = memoryview(data).cast("B")
        pipe = self._descriptor(self._process.stdin)
        while view:
            self._wait(pipe, select.POLLOUT, deadline)
            try:
                view = view[os.write(pipe, view[:PIECE_BYTES]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._ended() from None

    def _received(self, deadline: float) -> Frame:
        """The next frame, which a child that was taken over may have written."""
        document_bytes, payload_bytes = HEAD.unpack(self._read(HEAD.size, deadline))
        if document_bytes > DOCUMENT_BYTES or payload_bytes > self._bounds.answer_bytes:
            most = self._bounds.answer_bytes // MEBIBYTE
            raise OutOfMemory(f"The answer would hold {payload_bytes} bytes, more than {most} MiB.")
        try:
            document = json.loads(self._read(document_bytes, deadline))
        except ValueError:
            raise ChildDied("The process answered what is no answer.") from None
        payload = self._read(payload_bytes, deadline)
        if not isinstance(document, dict):
            raise ChildDied("The process answered what is no answer.")
        if "refused" in document:
            raise Refused(str(document["refused"]), document.get("place"))
        if document.get("out_of_memory"):
            raise self._too_large()
        return Frame(document, payload)

    def _read(self, count: int, deadline: float) -> bytearray:
        """So many bytes. They are taken as they come: what a child only declares reserves nothing."""
        data, pipe = bytearray(), self._descriptor(self._process.stdout)
        while len(data) < count:
            self._wait(pipe, select.POLLIN, deadline)
            try:
                piece = os.read(pipe, min(count - len(data), PIECE_BYTES))
            except BlockingIOError:
                continue
            if not piece:
                raise self._ended()
            data += piece
        return data

    def _wait(self, pipe: int, event: int, deadline: float) -> None:
        look = select.poll()
        look.register(pipe, event)
        while not look.poll(1000 * WAIT_SECONDS):
            if time.monotonic() > deadline:
                raise OutOfTime(f"It took longer than {self._bounds.seconds:g} seconds, and was ended.")

    def _descriptor(self, pipe: object) -> int:
        fileno: Callable[[], int] = getattr(pipe, "fileno")  # noqa: B009 - Popen types its pipes as optional
        try:
            return fileno()
        except ValueError:
            raise ChildDied("The process has ended.") from None

    def _ended(self) -> ConfinementError:
        """Why the child has closed its end."""
        try:
            status = self._process.wait(LAST_SECONDS)
        except subprocess.TimeoutExpired:
            return ChildDied("The process closed its answer.")
        if status == -signal.SIGXCPU:
            return OutOfTime(f"It took more than {self._bounds.processor_seconds} seconds of the processor.")
        if status in (-signal.SIGABRT, -signal.SIGKILL):
            return self._too_large()  # C++ that finds no memory aborts; the system kills where the machine has none
        how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
        return ChildDied(f"The process was ended {how}.")

    def _too_large(self) -> OutOfMemory:
        return OutOfMemory(f"It needs more than {self._bounds.memory_bytes // MEBIBYTE} MiB of memory.")


def _started(work: str, bounds: Bounds, files: tuple[int, ...]) -> subprocess.Popen[bytes]:
    arguments = [SOURCE, work, json.dumps(bounds.document()), str(os.getpid())]
    empty = tempfile.mkdtemp(prefix="memspan-confined-")
    try:
        process = subprocess.Popen(  # noqa: S603 - our own program; work is named by our own code
            [sys.executable, "-I", "-B", "-c", PROGRAM, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=empty,
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"},
            pass_fds=files,
            start_new_session=True,
        )
    finally:
        Path(empty).rmdir()  # nothing can be made in a folder that is gone
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
    return process
