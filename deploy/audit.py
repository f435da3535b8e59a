"""Known faults of what is locked, by pip-audit; loud where no source of advisories can be reached.

    python -m deploy.audit [address of an OSV service]

Ends with 1 where a locked version has a known fault. Where no source answers nothing was looked at: it says so in
capitals and ends with 0, since a build without a network is no fault.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCKS = Path(__file__).parents[1] / "locks"
AUDITED = ("run", "torch", "build")
"""torch-cpu is the same source as torch, built without CUDA"""
SKIPPED = "AUDIT SKIPPED, NOTHING WAS LOOKED AT"
SECONDS = 20
"""of silence after which a source counts as away"""
AWAY = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "Could not connect", "NameResolution")


@dataclass(frozen=True)
class Unreachable(Exception):
    """A source of advisories does not answer, or knows none of the packages."""

    source: str
    why: str


def audited(source: Sequence[str]) -> list[dict[str, Any]]:
    """pip-audit's answer for each locked requirement: name, version and faults, or why it was skipped.

    Raises:
        Unreachable: nothing could be looked up.
    """
    files = [word for name in AUDITED for word in ("--requirement", str(LOCKS / f"{name}.lock"))]
    how = ["--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    command = [sys.executable, "-m", "pip_audit", *how, "--timeout", str(SECONDS), *source, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603, its words are ours and the caller's
    if not done.stdout.startswith("{"):
        if not any(word in done.stderr for word in AWAY):
            raise RuntimeError(done.stderr)
        raise Unreachable(source[1], done.stderr.strip().splitlines()[-1][:200])
    found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    if all("skip_reason" in each for each in found):
        raise Unreachable(source[1], f"it knows none of {len(found)} packages")
    return found


def told(found: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each known fault, and for each requirement that the source does not know."""
    faults = [
        f"{each['name']} {each['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no version'}"
        for each in found
        for fault in each.get("vulns", ())
    ]
    return faults + [f"NOT AUDITED: {each['skip_reason']}" for each in found if "skip_reason" in each]


def main() -> None:
    sources = [["--vulnerability-service", "pypi"], ["--vulnerability-service", "osv"]]
    if sys.argv[1:]:
        sources = [["--vulnerability-service", "osv", "--osv-url", sys.argv[1]]]
    away = []
    for source in sources:
        try:
            found = audited(source)
        except Unreachable as error:
            away.append(f"{error.source}: {error.why}")
            continue
        print(*told(found), f"{len(found)} requirements audited by {source[1]}.", sep="\n")
        sys.exit(1 if any(each.get("vulns") for each in found) else 0)
    print(f"{SKIPPED}: no source of advisories can be reached.", *away, sep="\n")


if __name__ == "__main__":
    main()
