"""Keys on a real service: made beside it on the command line, obeyed within a second."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import memspan
from examples.process import started
from service.client.remote import Refused
from tests.processes import MemspanProcess
from tests.scenes import SMALLEST
from tests.waiting import until


class Home:
    """A service without workers, and the command line beside it."""

    def __init__(self, folder: Path) -> None:
        self.process = MemspanProcess(folder, "serve", "--port", "0", "--workers", "0")
        self.url = ""

    def keys(self, *arguments: str) -> str:
        """What ``memspan keys`` prints on standard output."""
        command = [sys.executable, "-m", "service", "keys", *arguments]
        environment = {"MEMSPAN_HOME": str(self.process.home), "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    with started(made.process):
        made.url = made.process.address()
        yield made


def test_keys_are_obeyed_from_the_first_to_the_last(home: Home) -> None:
    assert httpx.get(f"{home.url}/results").status_code == 200
    root = home.keys("create", "--name", "root", "--scope", "admin").strip()
    lab = home.keys("create", "--name", "lab", "--scope", "run").strip()
    until(lambda: httpx.get(f"{home.url}/results").status_code == 401, 5, "the service to ask for a key")
    for path in ("/metrics", "/docs", "/openapi.json", "/"):
        assert httpx.get(f"{home.url}{path}").status_code == 401, path
    assert httpx.get(f"{home.url}/health/ready").status_code == 200
    with memspan.connect(home.url, key=lab) as service:
        experiment = service.submit(SMALLEST)
        heard, ended = threading.Event(), threading.Event()

        def listen() -> None:
            headers = {"Authorization": f"Bearer {lab}"}
            with httpx.stream("GET", home.url + experiment["links"]["events"], headers=headers, timeout=30) as stream:
                for line in stream.iter_lines():
                    if line.startswith("id:"):
                        heard.set()
            ended.set()

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        assert heard.wait(10)
        assert not ended.is_set(), "nobody trains it, so the stream goes on"
        home.keys("revoke", "lab")
        revoked = time.monotonic()
        assert ended.wait(10), "the stream ends with its key"
        listener.join()
        until(lambda: refused(service), 5, "the key to let nobody in")
        assert time.monotonic() - revoked < 10
    with memspan.connect(home.url, key=root) as service:
        assert [(row["name"], row["state"]) for row in service.get("/keys")["items"]] == [
            ("root", "working"),
            ("lab", "revoked"),
        ]
    assert "Deleted 2 keys" in home.keys("abolish", "--yes")
    until(lambda: httpx.get(f"{home.url}/results").status_code == 200, 5, "the service to let everybody in")
    assert "Traceback" not in home.process.said()


def refused(service: object) -> bool:
    try:
        service.get("/experiments")  # type: ignore[attr-defined]
    except Refused as problem:
        return problem.status == 401 and "revoked" in str(problem)
    return False
