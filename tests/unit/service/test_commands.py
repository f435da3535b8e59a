"""The command line: what can't be done is said in a sentence, without a traceback."""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import typer
from sqlalchemy import text

from migrations.revision import newest
from service.client import connection, following
from service.commands import cli
from service.listening import bound
from service.preparation import prepared, require_guard
from service.settings import Settings
from service.storage.database import Database

EVERYWHERE = "0.0.0.0"  # noqa: S104 - it is refused
NOBODY = "postgresql+psycopg://ada:secret@127.0.0.1:1/lab"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MEMSPAN_{name.upper()}", raising=False)
    monkeypatch.setenv("MEMSPAN_HOME", str(tmp_path / "home"))


def given_up(command: str = "migrate") -> str:
    """What a command says when it gives up."""
    with pytest.raises(SystemExit) as stopped:
        cli([command], standalone_mode=False)
    return str(stopped.value.code)


@pytest.mark.parametrize("command", ["migrate", "serve", "api"])
def test_a_database_that_is_away_is_a_sentence_without_its_password(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMSPAN_DATABASE_URL", NOBODY)
    said = given_up(command)
    assert said.startswith("The database postgresql+psycopg://ada:***@127.0.0.1:1/lab can't be used")
    assert "MEMSPAN_DATABASE_URL" in said
    assert "secret" not in said
    assert "\n" not in said


@pytest.mark.parametrize("command", ["migrate", "serve", "api"])
def test_a_file_that_is_no_database_is_a_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "notes.db").write_text("nothing that SQLite could read\n" * 100, encoding="utf-8")
    monkeypatch.setenv("MEMSPAN_DATABASE_URL", f"sqlite:///{tmp_path / 'notes.db'}")
    assert given_up(command) == (
        f"The database sqlite:///{tmp_path / 'notes.db'} can't be used (MEMSPAN_DATABASE_URL): file is not a database"
    )


@pytest.mark.parametrize("command", ["migrate", "serve", "api"])
def test_a_database_of_a_newer_release_is_a_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    database = Database(database_url)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9042'"))
    database.close()
    monkeypatch.setenv("MEMSPAN_DATABASE_URL", database_url)
    said = given_up(command)
    assert f"the revision '9042', and this Memspan knows none after {newest()!r}" in said
    assert "Install the newer Memspan" in said


def test_a_database_of_another_program_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE experiments (a INTEGER)")
    monkeypatch.setenv("MEMSPAN_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    assert given_up().endswith("can't be used (MEMSPAN_DATABASE_URL): table experiments already exists")


def test_what_a_command_says_when_it_gives_up_is_all_that_it_says(tmp_path: Path) -> None:
    (tmp_path / "memspan.db").write_bytes(b"\0\1" * 1000)
    environment = {**os.environ, "MEMSPAN_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "service", "serve", "--port", "0"]
    started = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    said, complained = started.communicate(timeout=60)
    assert (started.returncode, said) == (1, "")
    assert complained.strip().count("\n") == 0
    assert complained.startswith(f"The database sqlite:///{tmp_path / 'memspan.db'} can't be used")
    with pytest.raises(ProcessLookupError):
        os.killpg(started.pid, 0)  # no worker stays behind


def test_a_home_that_is_no_folder_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MEMSPAN_HOME", str(tmp_path / "file"))
    assert given_up().startswith(f"MEMSPAN_HOME is '{tmp_path / 'file'}', and no folder can be made there")


def test_an_address_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"can't listen at 127\.0\.0\.1, port {port}: Address already in use"):
            bound("127.0.0.1", port)


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


@pytest.mark.parametrize("command", ["serve", "api"])
@pytest.mark.parametrize("host", [EVERYWHERE, "::"])
def test_a_service_that_others_can_reach_wants_to_know_whom_to_let_in(command: str, host: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli([command, "--host", host, "--port", "0"], standalone_mode=False)
    said = str(stopped.value.code)
    assert f"doesn't listen at {host}" in said
    assert "memspan keys create --name NAME --scope admin" in said
    assert "MEMSPAN_TRUSTED_NETWORKS" in said


def test_who_names_networks_or_makes_a_key_has_said_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost"):
        require_guard(host, prepared())
    monkeypatch.setenv("MEMSPAN_TRUSTED_NETWORKS", "10.0.0.0/8")
    require_guard(EVERYWHERE, prepared())
    monkeypatch.delenv("MEMSPAN_TRUSTED_NETWORKS")
    with pytest.raises(SystemExit):
        require_guard(EVERYWHERE, prepared())
    cli(["keys", "create", "--name", "root", "--scope", "admin"], standalone_mode=False)
    require_guard(EVERYWHERE, prepared())
    said = capsys.readouterr()
    assert re.fullmatch(r"mspn_\w+\n", said.out), "only the secret"
    assert "never shown again" in said.err
    assert "Warning" not in said.err


def test_a_first_key_that_is_no_admins_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    cli(
        ["keys", "create", "--name", "lab", "--scope", "run", "--quota", "queued-runs=5,stored_bytes=1.5GiB"],
        standalone_mode=False,
    )
    assert "No key has the scope admin" in capsys.readouterr().err
    cli(["keys", "list"], standalone_mode=False)
    listed = capsys.readouterr().out
    assert "queued_runs 0 of 5" in listed
    assert "stored_bytes 0 of 1,610,612,736" in listed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--scope", "boss"), "--scope must be 'read', 'run' or 'admin', not 'boss'"),
        (("--scope", "run", "--expires", "soon"), "such as 90d; not 'soon'"),
        (("--scope", "run", "--quota", "queued_runs"), "is no limit"),
        (
            ("--scope", "run", "--quota", "runs=5"),
            "--quota 'runs=5' is no limit; give some of queued_runs, stored_bytes",
        ),
        (("--scope", "run", "--quota", "queued_runs=5,stored_bytes=much"), "--quota 'stored_bytes=much' is no limit"),
    ],
)
def test_an_option_of_a_key_that_can_not_be_is_named(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(typer.BadParameter, match=re.escape(sentence)):
        cli(["keys", "create", "--name", "lab", *arguments], standalone_mode=False)
