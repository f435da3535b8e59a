"""``memspan serve``: one machine, nothing but Python."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.end_to_end.flow import whole_flow
from tests.processes import Client, MemspanProcess, address, descendants, gone, started
from tests.waiting import until


def test_a_user_gets_all_from_one_command(tmp_path: Path) -> None:
    with started(MemspanProcess(tmp_path, "serve", "--port", "0", "--workers", "2")) as serve:
        client = Client(address(serve))
        whole_flow(client)
        assert client.get("/queue")["items"][0]["waiting"] == 0
        family = descendants(serve.pid)
        assert len(family) == 2
        serve.send(signal.SIGTERM)
        serve.wait()
        assert all(gone(pid) for pid in family), "its workers leave before it does"
        assert "Traceback" not in serve.said()


def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    serve = MemspanProcess(tmp_path, "serve", "--port", "0", "--workers", "1")
    spec = {"tasks": [{"kind": "latch"}], "models": [{"kind": "mlp"}], "lengths": [3], "training": {"epochs": 1}}
    with started(serve):
        client = Client(address(serve))
        name = client.submit(spec)
        client.ended(name, 60)
        before = client.numbers(name)
    with started(serve):
        client = Client(address(serve, times=2))
        until(client.workers, 30, "a worker")
        assert client.numbers(name) == before
