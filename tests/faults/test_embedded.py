"""Things that die under ``memspan serve``."""

from __future__ import annotations

import signal
import sqlite3
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
    holder,
    killed,
    lasting,
    noticed,
    under_way,
    undisturbed,
)
from tests.processes import Client, MemspanProcess, descendants, gone, kill
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
