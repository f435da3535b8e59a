"""Real processes to measure: the service over SQLite or PostgreSQL."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from examples.process import MemspanProcess, started
from tests.servers import PostgresServer, running


@contextmanager
def database_url(dialect: str) -> Iterator[str]:
    """An empty database of its own."""
    if dialect == "postgresql":
        server = PostgresServer()
        with running(server):
            yield server.url()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/memspan.db"


@contextmanager
def service(url: str, *command: str) -> Iterator[tuple[httpx.Client, int]]:
    """``memspan`` with a command as a process: a client for it, and its pid."""
    environment = {**os.environ, "MEMSPAN_DATABASE_URL": url, "MEMSPAN_LOG_LEVEL": "error"}
    with tempfile.TemporaryDirectory() as home:
        process = MemspanProcess(Path(home), *command, "--port", "0", environment=environment)
        with started(process), httpx.Client(base_url=process.address(), timeout=120) as client:
            yield client, process.pid


def megabytes(pid: int) -> float:
    """Resident memory of a process, in MB (10^6 bytes)."""
    return _megabytes(pid, "VmRSS")


def peak_megabytes(pid: int) -> float:
    """The most resident memory that a process ever had, in MB."""
    return _megabytes(pid, "VmHWM")


def _megabytes(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith(name))
    return int(kilobytes) * 1024 / 1e6


def processor_seconds(pid: int) -> float:
    """Time that a process has spent on processors, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def has_ended(pid: int) -> bool:
    """Whether a child of this process does no more: it may still wait for its exit code to be read."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def seconds(action: object, times: int) -> list[float]:
    """How long each of some calls took."""
    assert callable(action)
    found = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return found
