"""Memspan's own processes: ``memspan serve``, ``api`` and ``worker`` as a user starts them, and a client of theirs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from examples import process
from memspan.engine.fused.seal import KEY_FILE, seal_of
from memspan.interfaces.home import home_folder
from tests.waiting import until

Event = tuple[int, str, Any]
FAST = {"MEMSPAN_LEASE_SECONDS": "2", "MEMSPAN_SLICE_SECONDS": "0.3", "MEMSPAN_LOG_LEVEL": "info"}
"""short leases and slices, so that a death is noticed soon"""


class MemspanProcess(process.MemspanProcess):
    """A command with short leases, and with nothing of what this process is set to; nothing of it stays behind."""

    def __init__(self, home: Path, *arguments: str, **variables: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MEMSPAN_")}
        super().__init__(home, *arguments, environment={**inherited, **FAST, **variables})
        _share_the_key(self.home)

    def end(self, seconds: float = process.STOP_SECONDS) -> None:
        """Stop it, whatever state it is in, and all that it started."""
        family = descendants(self.pid)
        if self.alive():
            self.send(signal.SIGCONT)
        super().end(seconds)
        for pid in family:
            kill(pid, signal.SIGCONT)
            kill(pid, signal.SIGKILL)


@dataclass(frozen=True)
class Client:
    """A client of one API, with a key where it needs one."""

    url: str
    key: str = ""

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        with httpx.Client(base_url=self.url, timeout=30, headers=headers) as client:
            return client.request(method, path, **options)

    def get(self, path: str, **options: Any) -> Any:
        """The JSON at a path, which must be there."""
        answer = self.request("GET", path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, status: int | None = None, **options: Any) -> Any:
        """The JSON that a POST answers with, which must go well."""
        answer = self.request("POST", path, json=body, **options)
        assert answer.status_code == status if status else answer.is_success, answer.text
        return answer.json()

    def submit(self, spec: Mapping[str, Any]) -> str:
        """Post an experiment; its id."""
        return str(self.post("/experiments", spec, status=201)["id"])

    def experiment(self, id: str) -> Any:
        return self.get(f"/experiments/{id}")

    def ended(self, id: str, seconds: float) -> Any:
        """An experiment once it has ended."""

        def look() -> Any:
            found = self.experiment(id)
            return found if found["state"] not in ("queued", "running", "paused") else None

        return until(look, seconds, f"{id} to end")

    def runs(self, id: str) -> list[Any]:
        """Every run of an experiment with its metrics and checkpoints."""
        items = self.get(f"/experiments/{id}/runs", params={"limit": 500})["items"]
        return [self.get(f"/runs/{item['id']}") for item in items]

    def numbers(self, id: str) -> list[Any]:
        """All that an experiment measured, to the last bit and without times: what must never depend on chance."""
        return [
            {
                "seed": run["seed"],
                "metrics": run["metrics"],
                "series": self.get(f"/runs/{run['id']}/metrics")["items"],
                "weights": [self.get(f"/checkpoints/{each['id']}")["sha256"] for each in run["checkpoints"]],
            }
            for run in self.runs(id)
        ]

    def workers(self) -> list[Any]:
        return list(self.get("/workers")["items"])

    def busy_worker(self, seconds: float = 60) -> Any:
        """A worker that holds something, once there is one."""
        return until(
            lambda: next((each for each in self.workers() if each["state"] == "busy"), None), seconds, "a busy worker"
        )

    def events(
        self, id: str, after: int = 0, most: int | None = None, seconds: float = 60
    ) -> list[tuple[int, str, Any]]:
        """Follow the event stream to its end, or to its ``most``-th event: (id, type, body) of each."""
        headers = {"Last-Event-ID": str(after)} if after else {}
        found: list[Event] = []
        with httpx.stream("GET", f"{self.url}/experiments/{id}/events", headers=headers, timeout=seconds) as answer:
            assert answer.status_code == 200
            for event in _parsed(answer.iter_lines()):
                found.append(event)
                if len(found) == most:
                    break
        return found


def _share_the_key(home: Path) -> None:
    """Compiled loops are sealed by a home's key: with that of these tests a new home need not compile them again."""
    key = home_folder() / KEY_FILE
    if not (home / KEY_FILE).exists():
        seal_of(key.parent)
        shutil.copy(key, home)


def _parsed(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "id" in fields:
            yield int(fields["id"]), fields["event"], json.loads(fields["data"])
            fields = {}


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process that may have left."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def descendants(pid: int) -> list[int]:
    """The children of a process, and theirs."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        threads = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    found = {int(child) for child in [*children, *(child for each in threads for child in each)]}
    return [*found, *(each for child in found for each in descendants(child))]


def gone(pid: int) -> bool:
    """Whether a process has left; one that waits to be reaped counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True
