"""How long a user waits at the start: importing, asking for help, the service's first answer and its first run.

Bytecode is there, as after any first start; every service begins in an empty home.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar
from unittest import mock

from benchmarks.latency import _finished
from benchmarks.report import Figure, table
from benchmarks.stage import database_url, service

SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}],
    "lengths": [2],
    "training": {"epochs": 2, "train_size": 32, "validation_size": 16, "test_size": 16},
    "repeats": 2,
}
TIMES = 5
Found = TypeVar("Found")


@dataclass(frozen=True)
class Start:
    """One start of the service with two workers: seconds from its command on, and what all its processes computed."""

    ready: float
    done: float
    cpu: float


def main() -> str:
    """Measure everything five times."""
    with mock.patch.dict(os.environ):
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        imported = _command("-c", "import memspan")
        engine = _command("-c", "import memspan; memspan.run")
        asked = _command("-m", "service", "--help")
        starts = _times(_start)
    figures = [
        Figure("import memspan", _seconds(imported), "<= .3 s"),
        Figure("memspan.run, the first time it is named (torch is imported)", _seconds(engine)),
        Figure("memspan --help", _seconds(asked), "<= .3 s"),
        Figure("memspan serve: ready", _seconds([each.ready for each in starts]), "<= 2 s"),
        Figure("memspan serve: its first run is done", _seconds([each.done for each in starts]), "<= 3.5 s"),
        Figure("memspan serve: processor time until then, and to stop", _seconds([each.cpu for each in starts])),
    ]
    return table(f"Start, median of {TIMES} (lowest to highest)", figures)


def _start() -> Start:
    before = _cpu_seconds()
    with database_url("sqlite") as url:
        start = time.perf_counter()
        with service(url, "serve", "--workers", "2") as (client, _):
            ready = time.perf_counter() - start
            key = client.post("/experiments", json=SPEC).raise_for_status().json()["id"]
            _finished(client, key)
            done = time.perf_counter() - start
    return Start(ready, done, _cpu_seconds() - before)


def _cpu_seconds() -> float:
    """What all children that have ended computed, in user and system mode."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _command(*arguments: str) -> list[float]:
    """Wall seconds of a Python process."""

    def once() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    return _times(once)


def _times(action: Callable[[], Found]) -> list[Found]:
    """What some calls found; one before them is not counted."""
    return [action() for _ in range(TIMES + 1)][1:]


def _seconds(values: list[float]) -> str:
    return f"{median(values):.2f} s ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    print(main())
