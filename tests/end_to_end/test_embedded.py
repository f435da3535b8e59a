"""``memspan serve``: one machine, nothing but Python."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from examples.process import started
from tests.end_to_end.flow import whole_flow
from tests.processes import Client, MemspanProcess, descendants, gone


def test_a_user_gets_all_from_one_command(tmp_path: Path) -> None:
    with started(MemspanProcess(tmp_path, "serve", "--port", "0", "--workers", "2")) as serve:
        client = Client(serve.address())
        whole_flow(client)
        assert client.get("/queue")["items"][0]["waiting"] == 0
        family = descendants(serve.pid)
        assert len(family) == 2
        serve.send(signal.SIGTERM)
        serve.wait()
        assert all(gone(pid) for pid in family), "its workers leave before it does"
        assert not {"Traceback", "Fatal"} & set(re.findall(r"\w+", serve.said()))
