"""Mishaps: something dies, freezes or is away for a moment, chosen by chance."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial

from tests.deployment import Deployment
from tests.faults.host import Host
from tests.processes import MemspanProcess, descendants, kill

MOST_AWAY_SECONDS = 3.0
MOST_CUT_OFF_SECONDS = 6.0
"""three leases"""


class Mishaps:
    """What goes wrong with a deployment. Everything is started again, though not at once."""

    def __init__(
        self, deployment: Deployment, workers: list[MemspanProcess], rng: random.Random, host: Host | None = None
    ) -> None:
        self._deployment, self._workers, self._rng, self._host = deployment, workers, rng, host
        self.interrupted = 0
        """leases that may have ended by what happened: no run may be lost without enough of that"""
        self._kinds: Mapping[str, tuple[int, Callable[[], None]]] = {
            "a worker's process is killed": (6, self._kill_process),
            "a worker's process is frozen for a while": (4, self._freeze_process),
            "a whole worker is killed": (2, partial(self._restart_worker, signal.SIGKILL)),
            "a worker is restarted": (2, partial(self._restart_worker, signal.SIGTERM)),
            "Redis is killed": (3, self._kill_redis),
            "PostgreSQL is killed": (2, self._kill_postgres),
            "PostgreSQL is away for a while": (1, self._stop_postgres),
            "the API is killed": (2, self._kill_api),
            "a host is cut off": (2, self._cut_off),
        }

    def next(self) -> str:
        """Let something happen; what it was."""
        (kind,) = self._rng.choices(list(self._kinds), [weight for weight, _ in self._kinds.values()])
        self._kinds[kind][1]()
        return kind

    def healed(self) -> None:
        """See that everybody is there."""
        for worker in self._workers:
            if not worker.alive():
                worker.start()

    def _processes(self) -> list[int]:
        """Of the workers, without their parents; sorted, so that chance alone chooses."""
        return sorted(pid for worker in self._workers if worker.alive() for pid in descendants(worker.pid))

    def _kill_process(self) -> None:
        if self._processes():
            self.interrupted += 1
            kill(self._rng.choice(self._processes()))

    def _freeze_process(self) -> None:
        if self._processes():
            self.interrupted += 1
            pid = self._rng.choice(self._processes())
            kill(pid, signal.SIGSTOP)
            self._wait()
            kill(pid, signal.SIGCONT)

    def _restart_worker(self, number: int) -> None:
        worker = self._rng.choice(self._workers)
        self.interrupted += 1
        worker.send(number)
        worker.wait(120)
        worker.start()

    def _cut_off(self) -> None:
        """The host of the last worker, for longer than its leases last; nothing where no host can be made."""
        if self._host is None:
            return
        self.interrupted += 1
        self._host.cut()
        time.sleep(self._rng.uniform(0, MOST_CUT_OFF_SECONDS))
        self._host.mend()

    def _kill_redis(self) -> None:
        self._deployment.redis.stop(signal.SIGKILL)
        self._wait()
        self._deployment.redis.start()

    def _kill_postgres(self) -> None:
        self.interrupted += len(self._workers)
        self._deployment.postgres.kill()
        self._deployment.postgres.start()

    def _stop_postgres(self) -> None:
        self.interrupted += len(self._workers)
        self._deployment.postgres.stop()
        self._wait()
        self._deployment.postgres.start()

    def _kill_api(self) -> None:
        self._deployment.api.send(signal.SIGKILL)
        self._deployment.api.wait()
        self._deployment.api.start()
        self._deployment.api.address()

    def _wait(self) -> None:
        time.sleep(self._rng.uniform(0, MOST_AWAY_SECONDS))
