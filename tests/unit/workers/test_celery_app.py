"""The Celery app: importing it changes nothing, starting a worker does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import json, logging, os, stat
from pathlib import Path
home = Path(os.environ["MEMSPAN_HOME"])
def look():
    umask = os.umask(0)
    os.umask(umask)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (home, home / "memspan.db")]
    return [umask, *modes, len(logging.getLogger().handlers)]
before = look()
from celery import signals
import workers.celery_app
imported = look()
signals.worker_init.send(sender=None)
print(json.dumps([before, imported, look()[:3]]))
"""


def test_importing_the_app_changes_nothing_and_a_worker_that_starts_keeps_its_files_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "memspan.db").touch()
    for path, mode in ((home, 0o755), (home / "memspan.db", 0o644)):
        path.chmod(mode)
    environment = {**os.environ, "MEMSPAN_HOME": str(home), "MEMSPAN_REDIS_URL": "redis://127.0.0.1:1/0"}
    said = subprocess.run(
        [sys.executable, "-c", f"import os; os.umask(0o022)\n{PROGRAM}"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    before, imported, started = json.loads(said.stdout.splitlines()[-1])
    assert before == [0o022, 0o755, 0o644, 0]
    assert imported == before
    assert started == [0o077, 0o700, 0o600]
