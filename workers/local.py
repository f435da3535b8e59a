"""A local worker: the work loop without a broker. ``memspan serve`` starts some as child processes.

A line on standard input wakes it; the end of standard input means that the parent is gone, and it leaves too.
"""

import argparse
import os
import signal
import threading
from types import FrameType

import structlog
import torch

from service.logs import configure_logs
from service.operations.context import Context
from service.preparation import secure
from service.queue.bell import NoBell
from service.queue_names import ALL, Queue, parsed
from service.settings import load_settings
from service.storage.database import WORKER, Database
from service.worker_share import worker_share
from workers.beat import Beat
from workers.identity import identify
from workers.loop import Loop

INPUT = 0
MOST_BYTES = 4096
LOOK_SECONDS = 0.5
"""between two looks of an idle worker, should no bell wake it"""

log = structlog.stdlib.get_logger("memspan.worker")


class Doorbell:
    """Listens on standard input in a thread."""

    def __init__(self) -> None:
        self.rung = threading.Event()
        self.leaving = threading.Event()
        threading.Thread(target=self._listen, name="doorbell", daemon=True).start()

    def _listen(self) -> None:
        while os.read(INPUT, MOST_BYTES):  # a buffered reader would keep its lock, and Python would abort at the end
            self.rung.set()
        self.leaving.set()
        self.rung.set()

    def leave(self, number: int = 0, frame: FrameType | None = None) -> None:
        """Ask the worker to store what it does and to leave.

        A signal's handler runs in the main thread in the middle of anything, so it touches nothing that the main
        thread may have locked: ``leaving`` is only looked at, never waited for.
        """
        self.leaving.set()

    def leave_at(self, number: int) -> None:
        """Leave at a signal, even while the main thread is deep in something that isn't Python.

        Python runs a handler when the main thread comes back to it, which may take as long as a matrix product; the
        signal's number is written to a file at once.
        """
        signal.signal(number, self.leave)
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        threading.Thread(target=self._hear, args=(reading, number), name="signals", daemon=True).start()

    def _hear(self, reading: int, number: int) -> None:
        while numbers := os.read(reading, MOST_BYTES):
            if number in numbers:
                self.leaving.set()

    def wait(self, seconds: float) -> None:
        """Return when somebody rings, or after ``seconds``."""
        self.rung.wait(seconds)
        self.rung.clear()


def main() -> None:
    """Work until asked to leave."""
    arguments = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    arguments.add_argument("--queue", type=parsed, default=ALL, help="queues to serve, comma-separated")
    queues: tuple[Queue, ...] = arguments.parse_args().queue
    doorbell = Doorbell()
    doorbell.leave_at(signal.SIGTERM)
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, settings.secrets)
    secure(settings)
    torch.set_num_threads(settings.threads)
    identity = identify(queues, settings.worker_memory or worker_share(1))
    context = Context(settings, Database(settings.database_url, WORKER), NoBell())
    beat = Beat(context, identity)
    beat.start()
    loop = Loop(context, identity, beat, doorbell.leaving.is_set)
    loop.warm()
    log.info("worker_ready", name=identity.name, queues=identity.queues, device=identity.device)
    while not doorbell.leaving.is_set():
        if not loop.work(identity.queues):
            doorbell.wait(LOOK_SECONDS)
    beat.end()
