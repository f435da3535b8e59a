"""What an image is made of: it installs from locks alone, is listed for others, and is looked up for known faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.audit import SKIPPED
from deploy.lock import entries, hashes, version

ROOT = Path(__file__).parents[2]
LOCKED = {
    name: line
    for lock in ("run", "torch")
    for name, line in entries((ROOT / f"locks/{lock}.lock").read_text(encoding="utf-8")).items()
}
FAULTY, FAULT = "jinja2", "TEST-2026-1"

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def made(*words: str) -> subprocess.CompletedProcess[str]:
    """What a target of the Makefile says; whichever Python runs these tests makes its environment."""
    command = ["make", f"PYTHON={sys.executable}", *words]
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


class Source(BaseHTTPRequestHandler):
    """A source of advisories that speaks OSV's protocol and knows one fault."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = asked["package"]["name"] == FAULTY
        event = [{"introduced": "0"}, {"fixed": "99.1"}]
        affected = {"package": asked["package"], "ranges": [{"type": "ECOSYSTEM", "events": event}]}
        fault = {"id": FAULT, "summary": "It breaks.", "affected": [affected], "modified": "2026-01-01T00:00:00Z"}
        body = json.dumps({"vulns": [fault]} if known else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def source() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Source) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


def test_the_list_of_what_is_in_the_image_names_every_locked_package_with_its_hashes() -> None:
    done = made("sbom")
    assert done.returncode == 0, done.stderr
    listed = json.loads((ROOT / "out/sbom.json").read_text(encoding="utf-8"))
    assert (listed["bomFormat"], listed["specVersion"]) == ("CycloneDX", "1.6")
    assert listed["metadata"]["component"]["name"] == "memspan"
    parts = {part["name"]: part for part in listed["components"]}
    assert {name: part["version"] for name, part in parts.items()} == {
        name: version(line) for name, line in LOCKED.items()
    }
    for name, line in LOCKED.items():
        assert parts[name]["purl"] == f"pkg:pypi/{name}@{version(line)}"
        told = {each["content"] for place in parts[name]["externalReferences"] for each in place["hashes"]}
        assert told == {each.removeprefix("sha256:") for each in hashes(line)}


def test_what_is_locked_has_no_known_fault() -> None:
    done = made("audit")
    if SKIPPED in done.stdout:
        pytest.skip(done.stdout[done.stdout.index(SKIPPED) :].strip())
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_known_fault_of_what_is_locked_is_told_and_fails_the_audit(source: str) -> None:
    done = made("audit", f"OSV_URL={source}")
    assert done.returncode != 0
    assert f"{FAULTY} {version(LOCKED[FAULTY])}: {FAULT}, mended in 99.1\n" in done.stdout
    assert SKIPPED not in done.stdout


def test_an_audit_without_a_source_says_loudly_that_nothing_was_looked_at() -> None:
    done = made("audit", "OSV_URL=http://127.0.0.1:9/v1/query")
    assert done.returncode == 0, done.stderr
    assert SKIPPED in done.stdout
