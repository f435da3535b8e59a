"""Images of others, pinned by the digest that their registry tells; Docker is played by a program with its answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.env_file import read

ROOT = Path(__file__).parents[3]
DIGEST = f"sha256:{'ab' * 32}"
DOCKER = """#!/bin/sh
case "$1 $2" in
    "pull --quiet") case "$3" in *away*) echo "no such host" >&2; exit 1 ;; *) echo "$3" ;; esac ;;
    "image inspect") printf '%s\\n' "$REPOSITORY_DIGESTS" ;;
    *) exit 2 ;;
esac
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with a ``docker`` that answers as Docker does."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(DOCKER, encoding="utf-8")
    program.chmod(0o755)
    return program.parent


def pin(programs: Path, path: Path, digests: list[str], *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "REPOSITORY_DIGESTS": json.dumps(digests)}
    command = [sys.executable, "-m", "deploy.images", str(path), *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_an_image_is_named_with_its_tag_and_the_digest_of_its_own_repository(programs: Path, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("PORT=9000\nPOSTGRES_IMAGE=postgres:14\n", encoding="utf-8")
    done = pin(programs, path, [f"mirror/postgres@{DIGEST[::-1]}", f"postgres@{DIGEST}"], "POSTGRES_IMAGE=postgres:15")
    assert done.returncode == 0, done.stderr
    assert read(path) == {"PORT": "9000", "POSTGRES_IMAGE": f"postgres:15@{DIGEST}"}


@pytest.mark.parametrize(
    ("image", "said"), [("redis:7", "redis:7 was made on this machine"), ("away:1", "away:1 can't be pulled: no such")]
)
def test_an_image_without_a_digest_pins_nothing_and_says_why(
    programs: Path, tmp_path: Path, image: str, said: str
) -> None:
    done = pin(programs, tmp_path / ".env", [], f"REDIS_IMAGE={image}")
    assert done.returncode == 1
    assert done.stderr.startswith(f"Nothing was pinned: {said}")
    assert not (tmp_path / ".env").exists()
