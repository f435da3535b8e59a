"""The demonstration, from its start to its end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_the_demonstration_answers_and_ends(tmp_path: Path) -> None:
    environment = {**os.environ, "DEMO": "once", "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-m", "examples.demo"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Memory span" in done.stdout
    assert "What this means" in done.stdout
    assert "MEMSPAN_HOME=out/demo make serve, and look at http://127.0.0.1:8000/results/exp-1" in done.stdout
    assert (tmp_path / "out/demo/exp-1-score.png").read_bytes().startswith(b"\x89PNG")
