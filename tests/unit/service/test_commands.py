"""The command line: what can't be done is said in a sentence, without a traceback."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.client import connection, following
from service.commands import cli
from service.serving import _bound
from service.settings import Settings

NOBODY = "postgresql+psycopg://ada:secret@127.0.0.1:1/lab"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MEMSPAN_{name.upper()}", raising=False)
    monkeypatch.setenv("MEMSPAN_HOME", str(tmp_path / "home"))


def migrated() -> str:
    """What ``memspan migrate`` says when it gives up."""
    with pytest.raises(SystemExit) as stopped:
        cli(["migrate"], standalone_mode=False)
    return str(stopped.value.code)


def test_a_database_that_is_away_is_a_sentence_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSPAN_DATABASE_URL", NOBODY)
    said = migrated()
    assert said.startswith("The database postgresql+psycopg://ada:***@127.0.0.1:1/lab can't be opened")
    assert "MEMSPAN_DATABASE_URL" in said
    assert "secret" not in said


def test_a_home_that_is_no_folder_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MEMSPAN_HOME", str(tmp_path / "file"))
    assert migrated().startswith(f"MEMSPAN_HOME is '{tmp_path / 'file'}', and no folder can be made there")


def test_an_address_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"can't listen at 127\.0\.0\.1, port {port}: Address already in use"):
            _bound("127.0.0.1", port)


def test_a_server_without_a_protocol_is_told_apart_from_one_that_is_away(capsys: pytest.CaptureFixture[str]) -> None:
    assert following.submit_and_follow("localhost:8000", "{}", wait=False) == connection.NOT_SENT
    assert "must begin with http:// or https://" in " ".join(capsys.readouterr().out.split())


def test_who_stops_watching_hears_that_the_experiment_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    links = {"results": "/results/exp-1", "events": "/experiments/exp-1/events", "cancel": "/experiments/exp-1/cancel"}
    posted = {"id": "exp-1", "name": "x", "state": "queued", "progress": {"total": 1}, "links": links}

    def interrupted(*_: object) -> Iterator[object]:
        raise KeyboardInterrupt

    transport = httpx.MockTransport(lambda request: httpx.Response(201, text=json.dumps(posted)))
    real = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **options: real(transport=transport, **options))
    monkeypatch.setattr(following, "follow", interrupted)
    assert following.submit_and_follow("http://localhost:8000", "{}", wait=True) == following.INTERRUPTED
    said = " ".join(capsys.readouterr().out.split())
    assert "Submitted exp-1: http://localhost:8000/results/exp-1" in said
    assert "the experiment goes on" in said
    assert "curl -X POST http://localhost:8000/experiments/exp-1/cancel" in said
