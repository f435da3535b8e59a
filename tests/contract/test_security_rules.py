"""The linter's rules of security are on, and a finding is left alone only where the line says why."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("benchmarks", "deploy", "examples", "memspan", "migrations", "service", "tests", "workers")
LEFT_ALONE = re.compile(r"# noqa: S\d{3}(?P<reason>, .+)?$")


def unexplained(text: str) -> list[str]:
    """The lines whose finding is left alone with no reason behind it, nor in a comment just above the statement."""
    lines = text.splitlines()
    return [
        line.strip()
        for number, line in enumerate(lines)
        if (found := LEFT_ALONE.search(line))
        and not found["reason"]
        and not any(above.strip().startswith("#") for above in lines[max(0, number - 4) : number])
    ]


def test_the_rules_of_security_are_on_and_none_is_off_everywhere() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert "S" in rules["select"]
    assert not [code for code in rules["ignore"] if re.fullmatch(r"S\d*", code)]
    off = {folder for folder, codes in rules["per-file-ignores"].items() if any(code[0] == "S" for code in codes)}
    assert off == {"tests/**", "benchmarks/**"}


@pytest.mark.parametrize("folder", SOURCES)
def test_every_finding_that_is_left_alone_says_why(folder: str) -> None:
    for path in sorted((ROOT / folder).rglob("*.py")):
        assert unexplained(path.read_text(encoding="utf-8")) == [], path


def test_a_line_that_says_no_reason_is_found() -> None:
    bare = "run(it)  # noqa: " + "S603"
    assert unexplained(bare) == [bare]
    assert unexplained(f"# why\n{bare}") == unexplained(f"{bare}, why") == []
