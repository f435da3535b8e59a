"""``memspan`` as it is, with a watch on its event loop: how long everybody waited for the loop's next turn.

Wall-clock time alone says more about a shared machine than about the service. So each turn is noted with the processor
time that the process used meanwhile: a loop that waits for others of the machine uses none.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from examples.process import MemspanProcess, started

VARIABLE = "MEMSPAN_BENCHMARK_TURNS"
"""environment variable: the file that gets the turns"""
PAUSE_SECONDS = 0.005
SHORT_SECONDS = 0.01
"""turns that nobody notices"""


@dataclass(frozen=True)
class Turn:
    """One wait for the loop's next turn, beyond the pause that was asked for.

    Attributes:
        at: when it ended, in seconds of the machine's monotonic clock.
        seconds: how long it took.
        processor_seconds: of all threads of the process meanwhile.
        loop_seconds: of them by the loop's own thread.
    """

    at: float
    seconds: float
    processor_seconds: float
    loop_seconds: float

    @property
    def own_seconds(self) -> float:
        """How long the process itself kept its loop from its turn: one thread at a time computes in Python."""
        return min(self.seconds, self.processor_seconds)


class WatchedProcess(MemspanProcess):
    """The same process, whose long turns are told."""

    def __init__(self, home: Path, *arguments: str, environment: Mapping[str, str] = os.environ) -> None:
        self.turns = home / "turns"
        super().__init__(home, *arguments, environment={**environment, VARIABLE: str(self.turns)})

    def command(self) -> list[str]:
        """What starts it."""
        return [sys.executable, "-m", "benchmarks.loop_watch", *self._arguments]

    def turns_since(self, began: float) -> list[Turn]:
        """The turns that took longer than anybody would notice, since a time of the monotonic clock."""
        lines = self.turns.read_text(encoding="ascii").splitlines() if self.turns.exists() else []
        turns = [Turn(*map(float, line.split())) for line in lines]
        return [turn for turn in turns if turn.at >= began]


@contextmanager
def watched_service(url: str, *command: str) -> Iterator[tuple[httpx.Client, WatchedProcess]]:
    """``memspan`` with a command as a process whose loop is watched: a client for it, and the process."""
    environment = {**os.environ, "MEMSPAN_DATABASE_URL": url, "MEMSPAN_LOG_LEVEL": "error"}
    with tempfile.TemporaryDirectory() as home:
        process = WatchedProcess(Path(home), *command, "--port", "0", environment=environment)
        with started(process), httpx.Client(base_url=process.address(), timeout=120) as client:
            yield client, process


def longest(turns: Sequence[Turn]) -> float:
    """Seconds of the turn that the process itself took longest for; 0 where none was noticed."""
    return max((turn.own_seconds for turn in turns), default=0.0)


async def watch(file: Path) -> None:
    """Note every long turn of this loop, for ever."""
    with file.open("a", encoding="ascii", buffering=1) as notes:
        while True:
            began = time.monotonic(), time.process_time(), time.thread_time()
            await asyncio.sleep(PAUSE_SECONDS)
            now = time.monotonic(), time.process_time(), time.thread_time()
            seconds, processor, loop = (after - before for after, before in zip(now, began, strict=True))
            if seconds - PAUSE_SECONDS > SHORT_SECONDS:
                notes.write(f"{now[0]} {seconds - PAUSE_SECONDS} {processor} {loop}\n")


def main() -> None:
    """``memspan`` with the arguments of this command line, watched."""
    from service import commands, server

    class Watched(server.Server):
        """A server with a watch on its loop."""

        async def startup(self, sockets: list | None = None) -> None:  # type: ignore[type-arg]
            await super().startup(sockets)
            self.watch = asyncio.ensure_future(watch(Path(os.environ[VARIABLE])))

    server.Server = Watched  # type: ignore[misc]
    commands.main()


if __name__ == "__main__":
    main()
