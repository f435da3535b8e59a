"""Compiled code on disk."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from memspan.engine.fused import library as module
from memspan.engine.fused.descent import descent
from memspan.engine.fused.library import Library
from memspan.optimizers.sgd import SGD
from memspan.training import Training

ROOT = Path(__file__).parents[4]
KERNEL = descent(Training(optimizer=SGD()))
COMPILE = """
from pathlib import Path
from memspan.engine.fused.descent import descent
from memspan.engine.fused.library import Library
from memspan.optimizers.sgd import SGD
from memspan.training import Training
kernel = descent(Training(optimizer=SGD()))
Library(Path({folder!r})).linked([kernel], [kernel.name])
"""


def entries(folder: Path) -> list[Path]:
    return sorted((folder / "fused").iterdir())


def test_code_is_compiled_once_and_then_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Library(tmp_path).object(KERNEL)

    def never(kernel: object) -> bytes:
        raise AssertionError("compiled again")

    monkeypatch.setattr(module, "compiled", never)
    assert Library(tmp_path).object(KERNEL) == first


@pytest.mark.parametrize("spoil", [lambda d: b"", lambda d: d[:50], lambda d: d[:-1], lambda d: d[:90] + b"x" + d[91:]])
def test_a_damaged_entry_is_compiled_again_and_put_right(tmp_path: Path, spoil: object) -> None:
    code = Library(tmp_path).object(KERNEL)
    (path,) = entries(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(spoil(whole))  # type: ignore[operator]
    assert Library(tmp_path).object(KERNEL) == code
    assert path.read_bytes() == whole


def test_another_processor_has_its_own_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Library(tmp_path).object(KERNEL)
    monkeypatch.setattr(module, "processor", lambda: "another one")
    Library(tmp_path).object(KERNEL)
    assert len(entries(tmp_path)) == 2


def test_a_disk_that_refuses_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "fused").write_text("a file where the folder should be")
    assert Library(tmp_path).object(KERNEL)


def test_first_use_is_announced_and_second_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "memspan.engine"):
        Library(tmp_path).linked([KERNEL], [KERNEL.name])
        assert "Compiling 1 loops of the fused engine" in caplog.text
        caplog.clear()
        Library(tmp_path).linked([KERNEL], [KERNEL.name])
        assert caplog.text == ""


def test_processes_that_begin_together_do_no_harm(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COMPILE.format(folder=str(tmp_path))]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    (path,) = entries(tmp_path)
    Library(tmp_path).object(KERNEL)
    assert path.suffix == ".o"


def test_the_folder_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEMSPAN_CACHE", str(tmp_path))
    assert module.cache_folder() == tmp_path
    monkeypatch.delenv("MEMSPAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert module.cache_folder() == tmp_path / "memspan"
