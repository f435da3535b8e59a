"""``memspan`` as a child process."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from examples.process import MemspanProcess, NotServing, started
from tests.processes import gone


def test_a_process_is_awaited_until_it_answers_and_again_after_a_restart(tmp_path: Path) -> None:
    process = MemspanProcess(tmp_path / "home", "api", "--port", "0")
    with started(process):
        first = process.address()
        assert httpx.get(f"{first}/health/ready").status_code == 200
        process.end()
        assert process.wait() == 0
        process.start()
        assert httpx.get(f"{process.address()}/health/ready").status_code == 200
        assert process.said().count("Memspan serves at") == 2
    assert gone(process.pid)


def test_a_process_that_dies_tells_the_end_of_its_log(tmp_path: Path) -> None:
    process = MemspanProcess(tmp_path, "serve", "--colour", "red")
    process.start()
    with pytest.raises(NotServing, match="exit code 2") as told:
        process.address()
    assert "No such option" in str(told.value)


def test_a_process_that_does_not_answer_in_time_is_told_and_killed(tmp_path: Path) -> None:
    process = MemspanProcess(tmp_path, "api", "--port", "0")
    process.start()
    process.send(signal.SIGSTOP)
    with pytest.raises(NotServing, match=r"within 0\.1 s"):
        process.address(0.1)
    process.end(0.2)
    assert process.wait() == -signal.SIGKILL


def test_a_block_that_fails_shows_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = MemspanProcess(tmp_path, "study", "--help")
    with pytest.raises(subprocess.TimeoutExpired), started(process):
        helped(process)
    assert "Usage" in capsys.readouterr().err


def helped(process: MemspanProcess) -> None:
    """Fail once the process has left."""
    process.wait()
    raise subprocess.TimeoutExpired("study", 0)
