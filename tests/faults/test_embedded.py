"""Things that die under ``memspan serve``."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from examples.process import started
from tests.faults.disturbance import (
    ENOUGH_SECONDS,
    LONG,
    SPEC,
    attempts,
    ends_undisturbed,
    holder,
    killed,
    lasting,
    noticed,
    under_way,
    undisturbed,
)
from tests.processes import Client, MemspanProcess, descendants, gone, kill
from tests.scenes import SMALLEST
from tests.waiting import until


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemspanProcess]:
    """Two workers that the tests of this file share and leave as they found them."""
    home = tmp_path_factory.mktemp("embedded")
    with started(MemspanProcess(home, "serve", "--port", "0", "--workers", "2")) as process:
        yield process


@pytest.fixture(scope="module")
def client(serve: MemspanProcess) -> Client:
    made = Client(serve.address())
    until(lambda: len(made.workers()) == 2, 60, "two workers")
    return made


def test_a_worker_killed_three_times_costs_nothing_but_time(client: Client) -> None:
    name = client.submit(lasting(40))
    killed(client, name, 3)
    assert client.ended(name, ENOUGH_SECONDS)["state"] == "succeeded"
    assert client.numbers(name) == undisturbed(40)
    assert attempts(client, name) == {4}
    until(lambda: len([w for w in client.workers() if w["state"] == "idle"]) == 2, 60, "both workers to be back")


def test_a_stopped_worker_that_wakes_up_too_late_changes_nothing(serve: MemspanProcess, client: Client) -> None:
    name = client.submit(SPEC)
    under_way(client, name)
    zombie = holder(client, name)["pid"]
    said = serve.said()
    stop_between_writes(zombie, serve.home / "memspan.db")
    try:
        ended = client.ended(name, ENOUGH_SECONDS)
        before = client.numbers(name)
    finally:
        kill(zombie, signal.SIGCONT)
    until(lambda: noticed(serve, said), 120, "the zombie to notice")
    assert (ended["state"], before, client.numbers(name)) == ("succeeded", undisturbed(), undisturbed())
    assert attempts(client, name) == {2}


def stop_between_writes(pid: int, database: Path) -> None:
    """Stop a worker, but not while it holds SQLite's one lock for writing: that would stop everybody."""

    def stopped() -> bool:
        kill(pid, signal.SIGSTOP)
        with closing(sqlite3.connect(database, timeout=0.5, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                kill(pid, signal.SIGCONT)
                return False
            connection.execute("ROLLBACK")
            return True

    until(stopped, 60, "a moment between two writes")


def test_cancelling_takes_effect_within_a_slice(client: Client) -> None:
    name = client.submit(LONG)
    under_way(client, name)
    assert client.post(f"/experiments/{name}/cancel", status=202)["state"] in ("running", "cancelled")
    ended = client.ended(name, 15)
    assert (ended["state"], ended["runs"]["cancelled"]) == ("cancelled", 3)
    assert client.post(f"/experiments/{name}/cancel", status=200)["state"] == "cancelled"


def test_a_paused_experiment_goes_on_to_the_same_numbers(client: Client) -> None:
    name = client.submit(SPEC)
    under_way(client, name)
    assert client.post(f"/experiments/{name}/pause", status=202)["state"] == "paused"
    until(lambda: client.experiment(name)["runs"]["queued"] == 3, 15, "the runs to be put back")
    assert client.post(f"/experiments/{name}/resume", status=202)["state"] == "running"
    assert client.ended(name, ENOUGH_SECONDS)["state"] == "succeeded"
    assert client.numbers(name) == undisturbed()


def test_workers_leave_when_their_service_is_killed_and_a_restart_goes_on(tmp_path: Path) -> None:
    serve = MemspanProcess(tmp_path, "serve", "--port", "0", "--workers", "1")
    with started(serve):
        client = Client(serve.address())
        name = client.submit(SPEC)
        under_way(client, name)
        family = descendants(serve.pid)
        serve.send(signal.SIGKILL)
        serve.wait()
        until(lambda: all(gone(pid) for pid in family), 20, "the workers to leave by themselves")
        serve.start()
        client = Client(serve.address())
        before = client.experiment(name)["progress"]["completed"]
        assert before > 0
        under_way(client, name, beyond=before)
        serve.send(signal.SIGTERM)
        assert serve.wait() == 0
        serve.start()
        client = Client(serve.address())
        waiting = client.experiment(name)
        assert waiting["progress"]["completed"] > before
        assert client.ended(name, ENOUGH_SECONDS)["state"] == "succeeded"
        assert client.numbers(name) == undisturbed()
        assert attempts(client, name) == {3}


@pytest.mark.long
def test_a_run_that_kills_its_workers_fails_after_the_third(tmp_path: Path) -> None:
    settings = {"MEMSPAN_SLICE_SECONDS": "600"}
    with started(MemspanProcess(tmp_path, "serve", "--port", "0", "--workers", "1", **settings)) as serve:
        client = Client(serve.address())
        name = client.submit({**LONG, "repeats": 1})  # a stack of several would be divided first
        victims: set[int] = set()

        def poison() -> bool:
            for worker in client.workers():
                if worker["state"] == "busy" and worker["pid"] not in victims:
                    victims.add(worker["pid"])
                    kill(worker["pid"])
            return client.experiment(name)["state"] not in ("queued", "running")

        until(poison, ENOUGH_SECONDS, "the run to be given up")
        assert len(victims) == 3
        assert client.experiment(name)["state"] == "failed"
        assert {(run["state"], run["reason"], run["attempt"]) for run in client.runs(name)} == {
            ("failed", "worker_lost", 3)
        }
        healthy = client.submit({**SPEC, "training": {**SPEC["training"], "epochs": 1}})
        assert client.ended(healthy, ENOUGH_SECONDS)["state"] == "succeeded"


@pytest.mark.long
def test_a_doctor_who_mends_all_the_while_disturbs_nobody(tmp_path: Path) -> None:
    """He counts again what workers count meanwhile, and writes an old file anew, which shrinks for nobody else."""
    serve = MemspanProcess(tmp_path, "serve", "--port", "0", "--workers", "2", MEMSPAN_LEASE_SECONDS="30")
    with started(serve):
        serve.address()
    written_as_by_an_older_release(tmp_path / "memspan.db")
    with started(serve):
        client = Client(serve.address())
        name = client.submit(lasting(40))
        others = [client.submit(SMALLEST) for _ in range(5)]
        under_way(client, name)
        leave_room(tmp_path / "memspan.db")
        said = []
        while client.experiment(name)["state"] in ("queued", "running"):
            said.append(doctor(serve, "--mend"))
        assert len(said) >= 3
        assert all(each.returncode == 0 for each in said), [each.stdout for each in said]
        assert '"database_rewritten"' in "".join(each.stderr for each in said)
        assert client.experiment(name)["state"] == "succeeded"
        assert client.numbers(name) == undisturbed(40)
        assert attempts(client, name) == {1}
        for other in others:
            ends_undisturbed(client, other, SMALLEST)
        assert doctor(serve).returncode == 0
    assert "unforeseen_error" not in serve.said()


def written_as_by_an_older_release(database: Path) -> None:
    """Make a file that doesn't shrink."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for statement in ("PRAGMA journal_mode=DELETE", "PRAGMA auto_vacuum=NONE", "VACUUM"):
            connection.execute(statement)


def leave_room(database: Path) -> None:
    """Leave so many pages free that writing the file anew is worth it."""
    with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE room (data BLOB)")
        for _ in range(20):
            connection.execute("INSERT INTO room VALUES (randomblob(?))", (2**20,))
        connection.execute("DROP TABLE room")


def doctor(serve: MemspanProcess, *options: str) -> subprocess.CompletedProcess[str]:
    """What the doctor says of a service's database."""
    command = [sys.executable, "-m", "service", "doctor", *options]
    return subprocess.run(command, env=serve.environment, capture_output=True, text=True, check=False)
