"""Attributions beside Captum's: the same numbers, and how long 30 repeats take.

Captum lives in the environment of the peers (.venv-peers, made by ``make bench``) and borrows our torch.
"""

import json
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from benchmarks.peers import PEERS
from benchmarks.report import Figure, table

GOAL = "difference <= 1e-6 of the largest"


def main() -> str:
    """Largest difference and ratio of times for each method and model."""
    python = PEERS / "bin/python"
    if not list(PEERS.glob("lib/python3*/site-packages/captum")):
        return "Captum is not installed (make bench installs it into .venv-peers)."
    path = os.pathsep.join([sysconfig.get_paths()["purelib"], str(Path.cwd())])
    command = [str(python), "-m", "benchmarks.against_captum"]
    lines = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True, check=True
    )
    figures = [_figure(json.loads(line)) for line in lines.stdout.splitlines() if line.startswith("{")]
    return table("Attribution of 30 repeats, T = 100, 100 sequences: largest difference from Captum, and time", figures)


def _figure(found: dict[str, Any]) -> Figure:
    difference = f"{found['difference'] / found['largest']:.0e} of the largest"
    ratio = found["peer_seconds"] / found["seconds"]
    times = f"{found['seconds']:.2f} s against {found['peer_seconds']:.2f} s ({ratio:.1f}x)"
    return Figure(f"{found['method']}: {found['case']}", f"{difference}; {times}", GOAL)


if __name__ == "__main__":
    print(main())
