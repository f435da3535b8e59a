"""Real processes to measure: the service over SQLite or PostgreSQL."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

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
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "MEMSPAN_HOME": home,
            "MEMSPAN_DATABASE_URL": url,
            "MEMSPAN_LOG_LEVEL": "error",
            "PYTHONUNBUFFERED": "1",
        }
        arguments = [sys.executable, "-m", "service", *command, "--port", "0"]
        process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            address = next(line for line in process.stdout if "serves at" in line).split()[-1].removesuffix("/results")
            with httpx.Client(base_url=address, timeout=120) as client:
                _ready(client)
                yield client, process.pid
        finally:
            process.terminate()
            process.wait(60)


def _ready(client: httpx.Client) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if client.get("/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the service did not start")


def megabytes(pid: int) -> float:
    """Resident memory of a process, in MB (10^6 bytes)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kilobytes) * 1024 / 1e6


def seconds(action: object, times: int) -> list[float]:
    """How long each of some calls took."""
    assert callable(action)
    found = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return found
