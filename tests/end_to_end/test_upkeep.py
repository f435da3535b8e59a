"""``memspan doctor``, ``backup`` and ``restore`` as a user types them, while a service trains."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from examples.process import started
from service.database_lock import alone
from tests.processes import Client, MemspanProcess
from tests.waiting import until

SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "lstm", "hidden_size": 2}],
    "lengths": [20],
    "training": {"epochs": 10_000, "train_size": 800, "validation_size": 100, "test_size": 100},
    "repeats": 2,
}
"""some ten seconds of a worker"""


def command(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MEMSPAN_HOME": str(home), **variables}
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments], env=environment, capture_output=True, text=True, check=False
    )


def serve(home: Path) -> MemspanProcess:
    return MemspanProcess(home, "serve", "--port", "0", "--workers", "1", MEMSPAN_SLICE_SECONDS="0.2")


@pytest.mark.long
def test_a_backup_of_a_training_service_goes_on_in_a_new_home_to_the_same_numbers(tmp_path: Path) -> None:
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "lab.tar"
    with started(serve(old)) as service:
        client = Client(service.address())
        name = client.submit(SPEC)
        until(lambda: client.experiment(name)["progress"]["completed"] > 40, 60, "some training")
        made = command(old, "backup", str(file))
        assert made.returncode == 0, made.stderr
        assert client.experiment(name)["state"] == "running", "the backup was made in the middle"
        refused = command(old, "restore", str(file))
        assert (refused.returncode, "stop it first" in refused.stderr) == (1, True)
        assert client.ended(name, 120)["state"] == "succeeded"
        undisturbed = client.numbers(name)
        looked_at = command(old, "doctor", "--json")
        assert looked_at.returncode == 0, looked_at.stdout
    new.mkdir()
    assert command(new, "restore", str(file)).returncode == 0
    assert command(new, "doctor").stdout.endswith("Nothing is wrong.\n")
    with started(serve(new)) as service:
        client = Client(service.address())
        assert client.ended(name, 120)["state"] == "succeeded"
        assert client.numbers(name) == undisturbed
        assert command(new, "doctor", "--mend").returncode == 0
    again = command(new, "restore", str(file))
    assert "is kept as" in again.stdout
    modes = {path.name: f"{stat.S_IMODE(path.stat().st_mode):o}" for path in new.iterdir() if path.suffix != ".log"}
    assert set(modes.values()) == {"600"}, modes
    assert f"{stat.S_IMODE(new.stat().st_mode):o}" == "700"


def test_a_database_that_a_service_of_another_home_uses_is_not_restored_over(tmp_path: Path) -> None:
    own, other, database, file = tmp_path / "own", tmp_path / "other", tmp_path / "lab.db", tmp_path / "lab.tar"
    url = f"sqlite:///{database}"
    with started(MemspanProcess(own, "serve", "--port", "0", "--workers", "0", MEMSPAN_DATABASE_URL=url)) as service:
        service.address()
        assert command(own, "backup", str(file), MEMSPAN_DATABASE_URL=url).returncode == 0
        before = database.stat().st_ino
        refused = command(other, "restore", str(file), MEMSPAN_DATABASE_URL=url)
        assert (refused.returncode, refused.stderr) == (
            1, f"A Memspan service, worker or command uses {database}: stop it first.\n"
        )  # fmt: skip
        assert database.stat().st_ino == before
        elsewhere = command(other, "restore", str(file))
        assert elsewhere.returncode == 0, elsewhere.stderr
    taken = command(other, "restore", str(file), MEMSPAN_DATABASE_URL=url)
    assert taken.returncode == 0, taken.stderr


def test_nobody_looks_into_or_copies_a_database_that_is_being_restored(tmp_path: Path) -> None:
    assert command(tmp_path, "migrate").returncode == 0
    with alone(tmp_path / "memspan.db"):
        said = [command(tmp_path, *each) for each in (("doctor", "--mend"), ("backup", str(tmp_path / "lab.tar")))]
    assert [each.returncode for each in said] == [1, 1]
    assert all("A backup is being restored as" in each.stderr for each in said)


def test_the_doctor_s_exit_code_says_whether_anything_is_wrong(tmp_path: Path) -> None:
    assert command(tmp_path, "doctor").returncode == 1, "there is no database yet"
    assert command(tmp_path, "migrate").returncode == 0
    sound = command(tmp_path, "doctor", "--json")
    assert (sound.returncode, json.loads(sound.stdout)["sound"]) == (0, True)
    with sqlite3.connect(tmp_path / "memspan.db") as connection:
        connection.execute("INSERT INTO blobs (sha256, bytes, data) VALUES ('ab', 1, X'78')")
    wrong = command(tmp_path, "doctor", "--json")
    told = {each["check"]: each for each in json.loads(wrong.stdout)["checks"] if not each["sound"]}
    assert (wrong.returncode, set(told)) == (1, {"weights", "unused_weights"})
    mended = command(tmp_path, "doctor", "--mend")
    assert (mended.returncode, "(1 mended)" in mended.stdout) == (0, True), mended.stdout


def test_of_postgresql_its_own_tool_is_named(tmp_path: Path) -> None:
    environment = {**os.environ, "MEMSPAN_HOME": str(tmp_path),
                   "MEMSPAN_DATABASE_URL": "postgresql+psycopg://lab:secret@db:5432/memspan"}  # fmt: skip
    said = subprocess.run(
        [sys.executable, "-m", "service", "backup", "lab.dump"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 1
    assert "pg_dump --format=custom --file=lab.dump --dbname=postgresql://lab:***@db:5432/memspan" in said.stderr
