"""Retrying and extending while the service or a worker dies in the middle of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.process import started
from tests.faults.disturbance import ENOUGH_SECONDS, holder, lasting, names, numbers_of, under_way
from tests.processes import Client, MemspanProcess, kill
from tests.scenes import SMALLEST
from tests.waiting import until

SGD = {"kind": "sgd", "learning_rate": 0.01}
MANY: dict[str, Any] = {**SMALLEST, "lengths": list(range(2, 52)), "repeats": 200}
"""10 000 runs: what asks for all of them again takes long enough to be interrupted"""
DELAYS = (0.02, 0.1, 0.2, 0.3, 0.5)
"""seconds between a request and the death of who does it"""


def lasting_by_sgd(epochs: int) -> dict[str, Any]:
    """Runs that can go on from their stored weights."""
    spec = lasting(epochs)
    return {**spec, "training": {**spec["training"], "optimizer": SGD}}


def sound(serve: MemspanProcess) -> None:
    """The doctor finds nothing."""
    command = [sys.executable, "-m", "service", "doctor"]
    said = subprocess.run(command, env=serve.environment, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def killed_while_asked(serve: MemspanProcess, path: str, body: Any, delay: float) -> Client:
    """Kill the service some time after a request was sent to it; a client of the one that is started then."""
    url = serve.address()

    def ask() -> None:
        with suppress(httpx.TransportError):
            httpx.post(f"{url}{path}", json=body, timeout=60)

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(delay)
    serve.send(signal.SIGKILL)
    serve.wait()
    asking.join()
    serve.start()
    return Client(serve.address())


def all_of(client: Client, name: str) -> tuple[str, dict[str, int]]:
    """The state of an experiment, and its runs by state."""
    found = client.experiment(name)
    return found["state"], {state: count for state, count in found["runs"].items() if count and state != "total"}


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_retry_whose_service_is_killed_happens_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    with started(MemspanProcess(tmp_path, "serve", "--port", "0", "--workers", "0")) as serve:
        client = Client(serve.address())
        name = client.submit(MANY)
        seen = set()
        for delay in DELAYS:
            cancelled(client, name)
            client = killed_while_asked(serve, f"/experiments/{name}/retry", None, delay)
            state, runs = all_of(client, name)
            assert (state, runs) in (("cancelled", {"cancelled": 10_000}), ("queued", {"queued": 10_000})), delay
            seen.add(state)
            sound(serve)
        assert "cancelled" in seen, "it was killed before it had happened at least once"


def cancelled(client: Client, name: str) -> None:
    client.request("POST", f"/experiments/{name}/cancel")
    until(lambda: all_of(client, name) == ("cancelled", {"cancelled": 10_000}), ENOUGH_SECONDS, "all to be cancelled")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_an_extension_whose_service_is_killed_happens_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    """By repeats: then everything is trained, to the numbers of asking for all at once."""
    spec = {**SMALLEST, "lengths": list(range(2, 12))}
    with started(MemspanProcess(tmp_path, "serve", "--port", "0", "--workers", "1")) as serve:
        client = Client(serve.address())
        name = client.submit(spec)
        repeats = 2
        for delay in (*DELAYS[:2], 0.01):
            assert client.ended(name, ENOUGH_SECONDS)["state"] == "succeeded"
            client = killed_while_asked(serve, f"/experiments/{name}/extend", {"repeats": 10}, delay)
            found = client.experiment(name)
            assert found["spec"]["repeats"] in (repeats, repeats + 10)
            repeats = found["spec"]["repeats"]
            assert found["runs"]["total"] == 10 * repeats
        ended(serve, client, name, {**spec, "repeats": repeats})


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("optimizer", ["resumed", "anew"])
def test_a_worker_killed_in_the_middle_of_an_extended_run_changes_no_number(tmp_path: Path, optimizer: str) -> None:
    """Of runs that go on from the weights at their end, and of those that begin again."""
    made: Callable[[int], dict[str, Any]] = lasting_by_sgd if optimizer == "resumed" else lasting
    with started(MemspanProcess(tmp_path, "serve", "--port", "0", "--workers", "2")) as serve:
        client = Client(serve.address())
        name = client.submit(made(4))
        assert client.ended(name, ENOUGH_SECONDS)["state"] == "succeeded"
        extended = client.post(f"/experiments/{name}/extend", {"epochs": 26}, status=202)
        assert extended["extension"][optimizer] == 3
        done = float(client.experiment(name)["progress"]["completed"])
        for _ in range(2):
            under_way(client, name, beyond=done)
            victim = holder(client, name)
            kill(victim["pid"])
            until(lambda victim=victim: victim["name"] not in names(client), 30, "the dead worker to be noticed")
            done = float(client.experiment(name)["progress"]["completed"])
        ended(serve, client, name, made(30))


def ended(serve: MemspanProcess, client: Client, name: str, spec: dict[str, Any]) -> None:
    """It ends well by itself, with the numbers of what asked for all at once, and the doctor finds nothing."""
    assert client.ended(name, ENOUGH_SECONDS)["state"] == "succeeded"
    found = {each["seed"]: each for each in client.numbers(name)}
    assert found == {each["seed"]: each for each in numbers_of(spec)}
    sound(serve)
