"""Passwords of a deployment: made once, read by their owner alone."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from pathlib import Path

from deploy.env_file import read
from deploy.passwords import provide, told

ROOT = Path(__file__).parents[3]
NAMES = ("POSTGRES_PASSWORD", "REDIS_PASSWORD")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_each_name_gets_a_password_of_its_own_that_fits_into_a_url(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert provide(path, NAMES) == list(NAMES)
    values = read(path)
    assert values.keys() == set(NAMES)
    assert len(set(values.values())) == len(NAMES)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", value) for value in values.values())
    assert mode(path) == 0o600


def test_what_was_made_once_stays_and_so_does_the_rest_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# mine\nPORT=9000\nREDIS_PASSWORD=chosen\nPOSTGRES_PASSWORD=\n", encoding="utf-8")
    path.chmod(0o644)
    assert provide(path, NAMES) == ["POSTGRES_PASSWORD"]
    first = path.read_text(encoding="utf-8")
    assert first.startswith("# mine\nPORT=9000\nREDIS_PASSWORD=chosen\nPOSTGRES_PASSWORD=")
    assert mode(path) == 0o600
    assert provide(path, NAMES) == []
    assert path.read_text(encoding="utf-8") == first
    assert [each.name for each in tmp_path.iterdir()] == [".env"]


def test_a_password_that_everybody_knows_is_told(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("REDIS_PASSWORD=memspan\n", encoding="utf-8")
    lines = told(path, NAMES, provide(path, NAMES))
    assert [line for line in lines if line.startswith("WARNING: REDIS_PASSWORD ")]
    assert not [line for line in lines if line.startswith("WARNING: POSTGRES_PASSWORD ")]


def test_the_command_shows_no_password(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.passwords", str(tmp_path / ".env"), *NAMES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "POSTGRES_PASSWORD, REDIS_PASSWORD made in " in done.stdout
    assert not [value for value in read(tmp_path / ".env").values() if value in done.stdout + done.stderr]
