"""Peers in processes of their own: one with as many threads as it likes, or two of one core each, as our workers."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.peers import PEERS
from benchmarks.workload import Workload, written

WORKERS = 2
PACKAGES = {"against_jax": "jax", "against_jax_blocks": "jax", "against_keras": "keras", "against_numba": "numba"}
Measured = dict[str, float]


def python(module: str) -> Path | None:
    """The interpreter that has what a peer needs; None where the peers' environment lacks it."""
    package = PACKAGES.get(module)
    if package is None:
        return Path(sys.executable)
    there = list(PEERS.glob(f"lib/python3*/site-packages/{package}/__init__.py"))
    return PEERS.absolute() / "bin/python" if there else None


def missing(module: str) -> str:
    return f"{PACKAGES[module]} is not installed (make bench installs it into .venv-peers)"


def alone(module: str, loads: Sequence[Workload]) -> list[Measured]:
    """One process on the cores that two workers would have, with the threads that it chooses itself."""
    return _answer(_started(module, loads, _cores()))


def on_one_core(module: str, loads: Sequence[Workload]) -> list[Measured]:
    """One process on one core."""
    return _answer(_started(module, loads, {min(_cores())}))


def side_by_side(module: str, loads: Sequence[Workload]) -> list[Measured]:
    """Two processes of one core each, both at the same work at the same time; the mean of what they found."""
    both = [_started(module, loads, {core}) for core in _cores()]
    found = [_answer(each) for each in both]
    return [{name: mean(each[name] for each in pair) for name in pair[0]} for pair in zip(*found, strict=True)]


def _cores() -> set[int]:
    """The first cores that we may use."""
    if not hasattr(os, "sched_getaffinity"):
        return set(range(WORKERS))
    return set(sorted(os.sched_getaffinity(0))[:WORKERS])


def _started(module: str, loads: Sequence[Workload], cores: set[int]) -> subprocess.Popen[str]:
    interpreter = python(module)
    assert interpreter is not None
    pinned = ["taskset", "-c", ",".join(map(str, sorted(cores)))] if sys.platform == "linux" else []
    process = subprocess.Popen(
        [*pinned, str(interpreter), "-m", f"benchmarks.{module}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(written(loads))
    process.stdin.close()
    return process


def _answer(process: subprocess.Popen[str]) -> list[Measured]:
    assert process.stdout is not None
    found: list[Any] = [json.loads(line) for line in process.stdout if line.startswith("{")]
    if process.wait():
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
    return found
