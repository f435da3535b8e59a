"""``memspan`` as a child process: started, awaited until it answers, and ended.

The demonstration, the benchmarks and the tests start it this one way.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

ADDRESS = re.compile(r"Memspan serves at (http://\S+)/results")
START_SECONDS = 90.0
STOP_SECONDS = 40.0
LOOK_SECONDS = 0.02
TAIL = 6_000
"""characters of a log that are shown"""


class NotServing(RuntimeError):
    """It has left, or took too long to answer; the message ends with the end of its log."""


class MemspanProcess:
    """One command of ``memspan`` with a home of its own, its log in it.

    Args:
        arguments: of the command line, e.g. "serve", "--port", "0".
        environment: its variables, all but MEMSPAN_HOME; those of this process unless others are given.
    """

    def __init__(self, home: Path, *arguments: str, environment: Mapping[str, str] = os.environ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home.absolute()
        self.log = self.home / f"{arguments[0]}.log"
        self.environment = {**environment, "MEMSPAN_HOME": str(self.home)}
        self._arguments = arguments
        self._begun = 0
        self.process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    def command(self) -> list[str]:
        """What starts it."""
        return [sys.executable, "-m", "service", *self._arguments]

    def start(self) -> None:
        """Start it, or start it again. In a session of its own: Ctrl-C ends who started it, who then ends it."""
        # The words are those of those who try the service on their own machine.
        with self.log.open("ab") as log:
            self._begun = log.tell()
            self.process = subprocess.Popen(  # noqa: S603
                self.command(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self.environment,
                start_new_session=True,
            )

    def said(self) -> str:
        """All it wrote, each time that it ran."""
        return self.log.read_text(errors="replace")

    def alive(self) -> bool:
        return self.process.poll() is None

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Its exit code, once it has left."""
        return self.process.wait(seconds)

    def address(self, seconds: float = START_SECONDS) -> str:
        """Where it answers, once it is ready.

        Raises:
            NotServing: it has left, or isn't ready within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while not (found := self._ready_at()):
            if not self.alive():
                raise NotServing(f"It left with exit code {self.process.returncode}.\n{self.said()[-TAIL:]}")
            if time.monotonic() > deadline:
                raise NotServing(f"It did not answer within {seconds:g} s.\n{self.said()[-TAIL:]}")
            time.sleep(LOOK_SECONDS)
        return found

    def end(self, seconds: float = STOP_SECONDS) -> None:
        """Ask it to leave, and kill it where it doesn't."""
        if not self.alive():
            return
        self.send(signal.SIGTERM)
        try:
            self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self.wait()

    def _ready_at(self) -> str:
        """The address that it printed since it was started, if it is ready there."""
        found = ADDRESS.search(self.log.read_bytes()[self._begun :].decode(errors="replace"))
        return found[1] if found and _ready(found[1]) else ""


def _ready(url: str) -> bool:
    try:
        # It speaks plain HTTP; to load certificates for nothing would take longer than the answer.
        return httpx.get(f"{url}/health/ready", timeout=5, verify=False).status_code == 200  # noqa: S501
    except httpx.TransportError:
        return False


@contextlib.contextmanager
def started(process: MemspanProcess) -> Iterator[MemspanProcess]:
    """A process that runs within the block. If the block fails, the end of its log is shown."""
    process.start()
    try:
        yield process
    except (KeyboardInterrupt, NotServing):
        raise
    except BaseException:
        print(f"--- {process.log}\n{process.said()[-TAIL:]}", file=sys.stderr)
        raise
    finally:
        process.end()
