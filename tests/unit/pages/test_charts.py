"""How the pages fit figures to their place, asked of their script by node where there is one."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from service import pages

SCRIPT = (Path(pages.__file__).parent / "static" / "charts.js").read_text(encoding="utf-8")
BROWSER = """
globalThis.matchMedia = () => ({matches: false, addEventListener() {}});
globalThis.addEventListener = () => {};
globalThis.IntersectionObserver = class { observe() {} };
"""
NODE = shutil.which("node")


def fitted(title: dict[str, Any], room: int) -> dict[str, Any]:
    """A figure of one panel at ``room`` pixels."""
    spec = json.dumps({"title": title, "config": {"legend": {}}})
    program = f"{BROWSER}{SCRIPT}\nconsole.log(JSON.stringify(fitted({spec}, {room})));"
    command = [str(NODE), "--input-type=module", "--eval", program]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert told.returncode == 0, told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@pytest.mark.skipif(NODE is None, reason="needs node")
@pytest.mark.parametrize(
    ("subtitle", "lines"),
    [
        ("Mean and interval", ["Mean and interval"]),
        (["Mean and interval", "After 66 steps of Adam"], ["Mean and interval", "After 66 steps of Adam"]),
        (None, [""]),
    ],
)
def test_a_figure_is_fitted_whether_its_subtitle_is_one_line_or_several(subtitle: Any, lines: list[str]) -> None:
    title = {"text": "Score"} | ({} if subtitle is None else {"subtitle": subtitle})
    assert fitted(title, 800)["title"]["subtitle"] == lines


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_each_line_of_a_subtitle_is_wrapped_by_itself_on_a_phone() -> None:
    lines = fitted({"subtitle": ["Mean and interval over repeats", "After 66 steps"]}, 84 + 140)["title"]["subtitle"]
    assert lines == ["Mean and interval", "over repeats", "After 66 steps"]
