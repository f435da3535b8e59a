"""Private files: modes are kept and mended, whatever the surroundings say."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.private_files import keep_private
from service.storage.database import Database
from tests.databases import migrate


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    """Surroundings in which everybody may read what is made."""
    before = os.umask(0o000)
    yield
    os.umask(before)


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def test_what_is_made_from_now_on_is_its_owner_s_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    keep_private(home, None)
    home.mkdir()
    database = Database(f"sqlite:///{home / 'memspan.db'}")
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        assert {mode(path) for path in home.iterdir()} == {"0600"}
        assert len(list(home.iterdir())) >= 2, "the file and its log"
    database.close()
    assert mode(home) == "0700"


def test_files_that_were_there_are_mended_and_it_is_told(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    (home / "data").mkdir()
    (home / "data" / "mnist.gz").write_bytes(b"")
    migrate(f"sqlite:///{home / 'memspan.db'}")
    (home / "memspan.db-wal").touch()
    (home / "seal.key").write_bytes(b"key")
    with capture_logs() as told:
        keep_private(home, home / "memspan.db")
    assert mode(home) == "0700"
    assert {path.name: mode(path) for path in home.iterdir() if path.is_file()} == {
        "memspan.db": "0600", "memspan.db-wal": "0600", "seal.key": "0600"
    }  # fmt: skip
    assert mode(home / "data" / "mnist.gz") == "0666", "data sets may be shared; the home hides them"
    assert {Path(each["file"]).name for each in told if each["event"] == "mode_mended"} == {
        "home", "memspan.db", "memspan.db-wal", "seal.key"
    }  # fmt: skip
    with capture_logs() as told:
        keep_private(home, home / "memspan.db")
    assert told == []


def test_a_database_elsewhere_is_mended_and_its_folder_left(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    path = tmp_path / "shared" / "lab.db"
    path.touch(mode=0o644)
    keep_private(tmp_path / "home", path)
    assert (mode(path), mode(path.parent)) == ("0600", "0755")


def test_a_stricter_mode_stays(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    keep_private(home, None)
    assert mode(home) == "0500"
