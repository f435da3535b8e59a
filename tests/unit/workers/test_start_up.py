"""A local worker that starts before there is a database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.databases import migrate
from tests.waiting import until

READY = '"event": "worker_ready"'


def worker(home: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "MEMSPAN_HOME": str(home), "MEMSPAN_LOG_LEVEL": "info"}
    with (home / "worker.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "workers"], stdin=subprocess.PIPE, stderr=log, bufsize=0, env=environment
        )


def test_a_worker_touches_no_database_before_it_is_told_that_there_is_one(tmp_path: Path) -> None:
    with worker(tmp_path) as process:
        assert process.stdin is not None
        try:
            imported = Path(f"/proc/{process.pid}/maps")
            until(lambda: "libtorch" in imported.read_text(), 60, "the worker to import torch")
            assert not (tmp_path / "memspan.db").exists()
            migrate(f"sqlite:///{tmp_path / 'memspan.db'}")
            process.stdin.write(b"\n")
            until(lambda: READY in (tmp_path / "worker.log").read_text(), 120, "the worker to be ready")
            process.stdin.close()
            assert process.wait(60) == 0
        finally:
            process.kill()
    assert "Traceback" not in (tmp_path / "worker.log").read_text()


def test_a_worker_whose_parent_gives_up_leaves_without_a_word(tmp_path: Path) -> None:
    with worker(tmp_path) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0
    assert (tmp_path / "worker.log").read_text() == ""
    assert not (tmp_path / "memspan.db").exists()
