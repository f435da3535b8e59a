"""A full file system under a real service: nothing new is taken on, workers wait, and no run fails or is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.process import started
from tests.contract.problems import told
from tests.contract.stage import staged
from tests.faults.disturbance import ENOUGH_SECONDS, SPEC, under_way, undisturbed
from tests.processes import Client, MemspanProcess
from tests.waiting import until

SIZE = "24m"
LEASE_SECONDS = 2.0
"""of tests' processes"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own; only root may mount one.

    What needs none stands in ``test_disk_full.py`` and ``tests/contract/test_room.py``.
    """
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "memspan-test", path], check=True)
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


def fill(disk: Path) -> Path:
    """Leave not a byte; the file to delete for it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            while shutil.disk_usage(disk).free >= size:
                file.write(b"\0" * size)
    assert shutil.disk_usage(disk).free == 0
    return ballast


def test_a_full_disk_makes_workers_wait_and_refuses_what_is_new(tmp_path: Path, small_disk: Path) -> None:
    url = f"sqlite:///{small_disk / 'memspan.db'}"
    serve = MemspanProcess(tmp_path, "serve", "--port", "0", "--workers", "1", MEMSPAN_DATABASE_URL=url)
    with started(serve):
        client = Client(serve.address())
        name = client.submit(SPEC)
        under_way(client, name)
        ballast = fill(small_disk)
        waits = '"event": "disk_full"'
        until(lambda: serve.log.read_text().count(waits) >= 3, 10 * LEASE_SECONDS, "workers to wait")
        told = client.get("/health/ready")
        assert (told["status"], "Nothing new" in told["components"]["disk"]) == ("degraded", True)
        assert client.request("POST", "/experiments", json=SPEC).status_code == 507
        assert client.experiment(name)["state"] == "running"
        ballast.unlink()
        assert client.ended(name, ENOUGH_SECONDS)["state"] == "succeeded"
        assert client.numbers(name) == undisturbed()
        assert client.request("POST", "/experiments", json=SPEC).status_code == 201


def test_a_file_for_which_there_is_no_room_is_told_so_and_nothing_of_it_stays(small_disk: Path) -> None:
    large = b"y\n" + b"1\n" * (15 * 2**20)
    with staged(small_disk) as stage:
        before = shutil.disk_usage(small_disk).free
        assert told(stage.client.post("/datasets", content=large), 507)["detail"].startswith("The disk is full")
        half = large[: 12 * 2**20]  # comes in, but its form can't be opened: never in the system's own folder
        assert told(stage.client.post("/datasets", files={"file": ("half.csv", half)}), 507)
        assert abs(shutil.disk_usage(small_disk).free - before) < 2**20
        assert stage.client.post("/datasets", content="y,x\n1,2\n3,4\n").status_code == 201


@pytest.mark.long
def test_a_disk_that_fills_and_empties_again_and_again_fails_no_run(tmp_path: Path, small_disk: Path) -> None:
    """A run fails when its worker is lost three times in a row: a full disk must not look like that."""
    url = f"sqlite:///{small_disk / 'memspan.db'}"
    serve = MemspanProcess(tmp_path, "serve", "--port", "0", "--workers", "1", MEMSPAN_DATABASE_URL=url)
    with started(serve):
        client = Client(serve.address())
        name = client.submit(SPEC)
        under_way(client, name)
        for _ in range(4):
            before = serve.log.read_text().count('"event": "beat_missed"')
            ballast = fill(small_disk)
            until(
                lambda before=before: serve.log.read_text().count('"event": "beat_missed"') >= before + 5,
                20 * LEASE_SECONDS,
                "the lease to run out",
            )
            ballast.unlink()
        assert client.ended(name, ENOUGH_SECONDS)["state"] == "succeeded"
        assert client.numbers(name) == undisturbed()
