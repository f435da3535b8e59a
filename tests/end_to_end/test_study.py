"""A study on the command line: started over HTTP, trained by workers, judged, and printed as in a notebook."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from examples.process import started
from memspan.run_study import run_study
from memspan.studies.latch import LatchStudy
from service.client import connection, studying
from service.client.studying import Inquiry
from tests.contract.stage import Stage, staged
from tests.processes import MemspanProcess
from tests.tiny_study import TinyStudy as Study
from tests.tiny_study import experiments
from tests.waiting import until

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("tiny_study")


def asked(**fields: Any) -> Inquiry:
    """Start the quick scale and wait, unless it is said otherwise."""
    return Inquiry(**{"kind": "tiny_study", "scale": "quick", "group": None, "wait": True, "markdown": None, **fields})


@contextmanager
def serving(stage: Stage) -> Iterator[str]:
    """The stage's application on a port of loopback; its address."""
    server = uvicorn.Server(uvicorn.Config(stage.app, host="127.0.0.1", port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, 30, "the API to answer")
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


@contextmanager
def working(stage: Stage) -> Iterator[None]:
    """A worker in a thread."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.05):
            stage.work()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    ended.set()
    thread.join(60)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("study")) as made:
        yield made


@pytest.fixture(scope="module")
def address(stage: Stage) -> Iterator[str]:
    with serving(stage) as found, working(stage):
        yield found


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studying, "LOOK_SECONDS", 0.05)


def untimed(text: str) -> str:
    """Without the line about seconds, the only one that differs from time to time, and the log of this process."""
    return re.sub(r"^(\| Training takes time|\d{4}-\d\d-\d\d ).*\n", "", text, flags=re.MULTILINE)


@pytest.mark.usefixtures("quickly")
def test_the_printed_tables_are_those_of_a_notebook(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert studying.inquire(address, asked(markdown="-")) == 0
    printed = capsys.readouterr()
    assert untimed(printed.out) == untimed(run_study(Study(), experiments(Study())).markdown())
    assert "Started group-" in printed.err


@pytest.mark.usefixtures("quickly")
def test_tables_go_to_a_file_and_what_was_started_can_be_looked_at_again(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert studying.inquire(address, asked(wait=False)) == 0
    group = re.findall(r"Started (group-\d+) \(exp-\d+, exp-\d+\)", capsys.readouterr().out)[0]
    path = tmp_path / "tables.md"
    assert studying.inquire(address, asked(group=group, markdown=str(path))) == 0
    assert path.read_text(encoding="utf-8").startswith("**Claims**")
    capsys.readouterr()
    assert studying.inquire(address, asked(group=group, wait=False)) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "It is tiny. 7 (7 to 7) supported claimed ≤ 100, n = 1" in shown
    assert "The study (quick scale) stands at: succeeded." in shown


def test_studies_are_listed_with_their_newest_verdicts(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert studying.list_studies(address) == 0
    assert "tiny_study" in capsys.readouterr().out


def test_what_can_not_be_started_is_said_in_a_sentence(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert studying.inquire(address, asked(kind="no/such")) == connection.REFUSED
    assert studying.inquire(address, asked(scale="huge")) == connection.REFUSED
    assert studying.inquire(address, asked(group="group-99999")) == connection.REFUSED
    said = " ".join(capsys.readouterr().out.split())
    assert "#/scale: scale must be 'quick', 'full' or 'published', not 'huge'." in said
    assert "was never run as group-99999" in said


def test_who_stops_watching_hears_how_to_go_on(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*given: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(studying, "watch_study", interrupted)
    assert studying.inquire(address, asked()) == connection.INTERRUPTED
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(r"the study goes on: memspan study tiny_study --group group-\d+ --wait", said)


@pytest.mark.long
def test_the_quick_latch_study_is_judged_by_processes_as_a_user_starts_them(tmp_path: Path) -> None:
    with started(MemspanProcess(tmp_path / "home", "serve", "--port", "0", "--workers", "2")) as serve:
        options = ["--scale", "quick", "--markdown", str(tmp_path / "tables.md"), "--server", serve.address()]
        command = [sys.executable, "-m", "service", "study", "latch", *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tables = (tmp_path / "tables.md").read_text(encoding="utf-8")
    assert [name for name in ("corrected", "as published", "hard sigmoid") if f"**{name}: conditions, " in tables] == [
        "corrected",
        "as published",
        "hard sigmoid",
    ]
    verdicts = re.findall(r"\*\*(supported|contradicted|inconclusive)\*\*", tables)
    assert len(verdicts) == len(LatchStudy.claims)
