"""The Makefile: every target of it can be made."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = sorted(re.findall(r"^([\w-]+):(?!=)", MAKEFILE, re.MULTILINE))


def test_every_target_is_declared_to_be_no_file() -> None:
    declared = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert declared is not None
    assert sorted(declared.group(1).split()) == TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_how_to_make_every_target_from_nothing(target: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).touch()
    told = subprocess.run(
        ["make", "--dry-run", target], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip(), target
    assert "overriding" not in told.stderr, told.stderr
