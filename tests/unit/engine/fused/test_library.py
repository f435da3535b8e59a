"""Compiled code on disk."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memspan.engine.fused import library as module
from memspan.engine.fused import sources
from memspan.engine.fused.descent import descent
from memspan.engine.fused.library import Library
from memspan.engine.fused.seal import KEY_FILE, seal_of
from memspan.optimizers.sgd import SGD
from memspan.training import Training

ROOT = Path(__file__).parents[4]
KERNEL = descent(Training(optimizer=SGD()))
OTHER = descent(Training(optimizer=SGD(momentum=0.5)))
COMPILE = """
from pathlib import Path
from memspan.engine.fused.descent import descent
from memspan.engine.fused.library import Library
from memspan.optimizers.sgd import SGD
from memspan.training import Training
kernel = descent(Training(optimizer=SGD()))
Library(Path({folder!r}), Path({home!r})).linked([kernel], [kernel.name])
"""


def library(folder: Path) -> Library:
    """A library over a folder, as another process has it."""
    return Library(folder, folder / "home")


def entries(folder: Path) -> list[Path]:
    return sorted((folder / "fused").iterdir())


def test_where_loops_came_from_is_counted(tmp_path: Path) -> None:
    sources.taken()
    for _ in range(2):
        library(tmp_path).object(KERNEL)
    again = library(tmp_path)
    for _ in range(3):
        again.object(KERNEL)
    assert sources.taken() == {"compiled": 1, "disk": 2}
    assert sources.taken() == {}


def test_code_is_compiled_once_and_then_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = library(tmp_path).object(KERNEL)

    def never(kernel: object) -> bytes:
        raise AssertionError("compiled again")

    monkeypatch.setattr(module, "compiled", never)
    assert library(tmp_path).object(KERNEL) == first


@pytest.mark.parametrize("spoil", [lambda d: b"", lambda d: d[:50], lambda d: d[:-1], lambda d: d[:90] + b"x" + d[91:]])
def test_a_damaged_entry_is_compiled_again_and_put_right(tmp_path: Path, spoil: object) -> None:
    code = library(tmp_path).object(KERNEL)
    (path,) = entries(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(spoil(whole))  # type: ignore[operator]
    assert library(tmp_path).object(KERNEL) == code
    assert path.read_bytes() == whole


def code_that_crashes(code: bytes) -> bytes:
    """What somebody else may want us to run."""
    return bytes(byte ^ 0xFF for byte in code)


def sealed_by_another_key(path: Path, code: bytes, folder: Path) -> None:
    path.write_bytes(seal_of(folder / "another home").sealed(path.name, code_that_crashes(code)))


def with_a_checksum_as_anybody_can_make(path: Path, code: bytes, folder: Path) -> None:
    path.write_bytes(hashlib.sha256(code_that_crashes(code)).digest() + code_that_crashes(code))


def sealed_under_another_name(path: Path, code: bytes, folder: Path) -> None:
    path.write_bytes(seal_of(folder / "home").sealed("another.o", code))


def writable_by_all(path: Path, code: bytes, folder: Path) -> None:
    path.chmod(0o666)


def a_link_to_elsewhere(path: Path, code: bytes, folder: Path) -> None:
    path.symlink_to(path.rename(folder / "elsewhere.o"))


def a_pipe_that_nobody_writes(path: Path, code: bytes, folder: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


SPOILT = [
    sealed_by_another_key,
    with_a_checksum_as_anybody_can_make,
    sealed_under_another_name,
    writable_by_all,
    a_link_to_elsewhere,
    a_pipe_that_nobody_writes,
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_code_that_somebody_else_may_have_put_there_is_compiled_anew_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path, bytes, Path], None]
) -> None:
    code = library(tmp_path).object(KERNEL)
    (path,) = entries(tmp_path)
    spoil(path, code, tmp_path)
    assert library(tmp_path).object(KERNEL) == code
    assert "is not loaded but compiled anew" in caplog.text
    assert str(path) in caplog.text
    caplog.clear()
    assert (library(tmp_path).object(KERNEL), path.is_symlink(), path.stat().st_mode & 0o777) == (code, False, 0o600)
    assert caplog.text == ""


def wide_open_folder(folder: Path) -> None:
    (folder / "fused").chmod(0o777)


def linked_folder(folder: Path) -> None:
    (folder / "fused").symlink_to((folder / "fused").rename(folder / "elsewhere"))


def readable_key(folder: Path) -> None:
    (folder / "home" / KEY_FILE).chmod(0o640)


def short_key(folder: Path) -> None:
    (folder / "home" / KEY_FILE).write_bytes(b"")


def linked_key(folder: Path) -> None:
    key = folder / "home" / KEY_FILE
    key.symlink_to(key.rename(folder / "key"))


@pytest.mark.parametrize("spoil", [wide_open_folder, linked_folder, readable_key, short_key, linked_key])
def test_a_folder_or_key_that_others_may_have_made_is_not_used_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None]
) -> None:
    code = library(tmp_path).object(KERNEL)
    (path,) = entries(tmp_path)
    path.write_bytes(seal_of(tmp_path / "home").sealed(path.name, code_that_crashes(code)))
    spoil(tmp_path)
    distrustful = library(tmp_path)
    assert distrustful.object(KERNEL) == code
    assert distrustful.object(OTHER) != code
    assert caplog.text.count("compiled by each process anew") == 1


def test_what_belongs_to_another_user_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    code = library(tmp_path).object(KERNEL)
    we = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: we + 1)
    assert library(tmp_path).object(KERNEL) == code
    assert f"belongs to user {we}, not to {we + 1}" in caplog.text


def test_folder_entry_and_key_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        library(tmp_path / "new").object(KERNEL)
    finally:
        os.umask(before)
    (path,) = entries(tmp_path / "new")
    modes = [oct(each.stat().st_mode & 0o777) for each in (path.parent, path, tmp_path / "new" / "home" / KEY_FILE)]
    assert modes == ["0o700", "0o600", "0o600"]


def test_processes_that_begin_together_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = {seal.key for seal in pool.map(seal_of, [tmp_path / "home"] * 64)}
    assert keys == {(tmp_path / "home" / KEY_FILE).read_bytes()}


def test_a_home_where_no_key_can_be_made_costs_time_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    assert library(tmp_path).object(KERNEL)
    assert "compiled by each process anew" in caplog.text
    assert "Seal()" in repr(seal_of(tmp_path / "another home"))


def test_homes_that_share_a_cache_leave_each_others_code_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for home in ("one", "other", "one", "other"):
        Library(tmp_path, tmp_path / home).object(KERNEL)
    assert len(entries(tmp_path)) == 2
    assert caplog.text == ""


def test_another_processor_has_its_own_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library(tmp_path).object(KERNEL)
    monkeypatch.setattr(module, "processor", lambda: "another one")
    library(tmp_path).object(KERNEL)
    assert len(entries(tmp_path)) == 2


def test_a_disk_that_refuses_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "fused").write_text("a file where the folder should be")
    assert library(tmp_path).object(KERNEL)


def test_first_use_is_announced_and_second_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "memspan.engine"):
        library(tmp_path).linked([KERNEL], [KERNEL.name])
        assert "Compiling 1 loops of the fused engine" in caplog.text
        caplog.clear()
        library(tmp_path).linked([KERNEL], [KERNEL.name])
        assert caplog.text == ""


def test_processes_that_begin_together_do_no_harm(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COMPILE.format(folder=str(tmp_path), home=str(tmp_path / "home"))]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    (path,) = entries(tmp_path)
    library(tmp_path).object(KERNEL)
    assert path.suffix == ".o"
    assert [path.name for path in (tmp_path / "home").iterdir()] == [KEY_FILE]


def test_the_folder_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEMSPAN_CACHE", str(tmp_path))
    assert module.cache_folder() == tmp_path
    monkeypatch.delenv("MEMSPAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert module.cache_folder() == tmp_path / "memspan"
