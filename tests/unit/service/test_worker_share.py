"""Workers of one machine share its memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from memspan.engine.machine_memory import machine_bytes
from service.local_workers import LocalWorkers
from service.settings import LEAST_WORKER_MEMORY
from service.worker_share import BESIDE_BYTES, worker_share


def test_workers_share_what_is_left_beside_the_api() -> None:
    assert worker_share(2) == (machine_bytes() - BESIDE_BYTES) // 2
    assert worker_share(0) == worker_share(1)
    assert worker_share(1_000_000) == LEAST_WORKER_MEMORY


def test_local_workers_find_what_they_are_given_in_their_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, str]] = []
    spawn = subprocess.Popen

    def noted(arguments: list[str], env: dict[str, str], **how: object) -> object:
        started.append(env)
        return spawn([sys.executable, "-c", "input()"], env=env, **how)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", noted)
    with LocalWorkers(1) as workers:
        workers.give({"MEMSPAN_WORKER_MEMORY": "1234567890"})
        workers.start()
    assert started[0]["MEMSPAN_WORKER_MEMORY"] == "1234567890"
    assert started[0]["PATH"] == os.environ["PATH"]
