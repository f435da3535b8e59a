"""The page for operators: every test, benchmark, command and metric that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.__main__ import ALL
from service.operations.exposition import COUNTERS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PROMISES = PAGE[PAGE.index("## Promises") : PAGE.index("## How it is watched")]
ROWS = [line for line in PROMISES.splitlines() if line.startswith("| ") and not line.startswith("| promise ")]


def test_every_promise_has_a_test_or_a_benchmark_and_both_are_there() -> None:
    assert len(ROWS) > 20
    for row in ROWS:
        promise, held_by, figure = (cell.strip() for cell in row.split("|")[1:4])
        assert promise
        assert "tests/" in held_by or "benchmarks" in figure, row


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`", PAGE)
    assert named
    for path, function in named:
        assert (ROOT / path).is_file(), path
        assert not function or f"def {function}(" in (ROOT / path).read_text(encoding="utf-8"), function


def test_every_command_that_is_named_is_there() -> None:
    for name in re.findall(r"python -m benchmarks (\w+)", PAGE):
        assert name in ALL, name
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`make ([\w-]+)`", PAGE)) <= set(targets)


def test_every_file_that_is_named_is_there() -> None:
    for path in re.findall(r"`((?:deploy|docs)/[\w/.-]+)`", PAGE):
        assert (ROOT / path).is_file(), path


def test_every_count_of_workers_is_explained() -> None:
    for name, *_ in COUNTERS.values():
        assert f"`{name}_total`" in PAGE, name
