"""A worker's loop in a process of its own, bounded ever less tightly.

In a process with a past, what was freed before is taken again, and nobody can tell how little is too little.

``python -m tests.tight URL SPECS`` submits the changed specs (JSON, a list) and works within more and more memory until
the last of them succeeds; it prints the keys of the last attempt, the stacks that ended, and those that were too large.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from structlog.testing import capture_logs

from service.meters import resident_bytes
from service.storage.database import Database
from tests.compiled import compiling
from tests.scenes import Scene, context_over
from workers.beat import Beat
from workers.identity import identify
from workers.loop import Loop

MIB = 2**20
QUEUES = ("cpu",)


def attempts(scene: Scene, more: int) -> tuple[int, int]:
    """Do all that waits in a loop that may take so many bytes more than the process holds; how many stacks were done,
    and how many failed or were too large."""
    identity = identify(QUEUES, (resident_bytes() or 0) + more)
    beat = Beat(scene.context, identity)
    beat.start()
    try:
        with capture_logs() as logs:
            Loop(scene.context, identity, beat, lambda: False).work(QUEUES)
    finally:
        beat.end()
    events = [each["event"] for each in logs if each.get("fate", "DONE") == "DONE"]
    return events.count("runs_left"), events.count("runs_failed")


def tightly(database_url: str, *specs: Mapping[str, Any]) -> tuple[list[int], int, int]:
    """What a fresh process prints, see above; the tightest bound within which the last of the specs succeeds."""
    command = [sys.executable, "-m", "tests.tight", database_url, json.dumps(specs)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    keys, ended, too_large = json.loads(done.stdout.splitlines()[-1])
    return keys, ended, too_large


def _search(scene: Scene, specs: Sequence[Mapping[str, Any]]) -> tuple[list[int], int, int]:
    for more in range(8, 2_000, 24):
        keys = [scene.submit(**each) for each in specs]
        ended = attempts(scene, more * MIB)
        if scene.state(keys[-1]) == "succeeded":
            return keys, *ended
    raise AssertionError("not even 2 GB were enough")


if __name__ == "__main__":
    torch.set_num_threads(1)  # as workers do: others need a stack each
    database = Database(sys.argv[1])
    with compiling():
        print(json.dumps(_search(Scene(context_over(database, lease_seconds=60)), json.loads(sys.argv[2]))))
    database.close()
