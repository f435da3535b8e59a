"""What a terminal shows while a study is trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from rich.console import Console

from service.client import studying

ADDRESS = "http://127.0.0.1:8000/studies/span"


def document(state: str, completed: float, total: float) -> dict[str, Any]:
    """A study of one experiment, as far as its progress goes."""
    part = {"id": "exp-1", "name": "cells", "state": state, "progress": {"completed": completed, "total": total}}
    return {"question": "How far back?", "state": state, "parts": [part]}


def told(documents: Iterator[dict[str, Any]]) -> httpx.Client:
    """A client that is told of one document after the other."""
    return httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, json=next(documents))))


def test_the_bar_grows_with_the_runs_that_follow_from_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studying, "LOOK_SECONDS", 0.0)
    console = Console(width=120, record=True, force_terminal=True)
    documents = iter([document("running", 0, 144), document("running", 144, 144), document("succeeded", 216, 216)])
    with told(documents) as client:
        assert studying.watch_study(client, ADDRESS, console)["state"] == "succeeded"
    last = console.export_text().splitlines()[-1]
    assert "216 of 216 epochs" in last
    assert "100 %" in last
