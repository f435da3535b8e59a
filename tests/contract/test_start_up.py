"""What starts at once stays so: torch, charts, SQL and the web are imported by what needs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import memspan
import memspan.experiment.run
import memspan.run_study

ROOT = Path(__file__).parents[2]
HEAVY = {"altair", "celery", "fastapi", "numpy", "sqlalchemy", "torch"}
SCRIPT = "import memspan\nprint(callable(memspan.run), callable(memspan.study), memspan.ExperimentSpec.__name__)\n"
NOBODY = "http://127.0.0.1:1"


def imported(*arguments: str) -> set[str]:
    """The packages that a Python process with these arguments has imported when it ends."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    found = set(re.findall(r"^import time:[ \d|]*\| +([^\s.]+)", done.stderr, re.MULTILINE))
    assert "typing" in found, done.stderr
    return found


def test_importing_memspan_imports_nothing_large() -> None:
    assert not imported("-c", "import memspan") & {*HEAVY, "pydantic"}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_asking_the_command_line_about_itself_imports_nothing_large(option: str) -> None:
    assert not imported("-m", "service", option) & {*HEAVY, "httpx", "pydantic"}


@pytest.mark.parametrize("command", ["serve", "api", "worker", "migrate", "run", "study", "history"])
def test_asking_a_command_about_itself_imports_nothing_large(command: str) -> None:
    assert not imported("-m", "service", command, "--help") & {*HEAVY, "httpx"}


@pytest.mark.parametrize(
    "command",
    [
        ("run", "examples/latch-quick.json", "--wait"),
        ("study",),
        ("study", "latch", "--group", "group-1", "--markdown", "-"),
    ],
)
def test_a_client_of_a_service_elsewhere_imports_no_science(command: tuple[str, ...]) -> None:
    found = imported("-m", "service", *command, "--server", NOBODY)
    assert "httpx" in found
    assert not found & HEAVY


def test_what_answers_requests_imports_neither_charts_nor_a_broker() -> None:
    assert not imported("-c", "import service.app, service.server, service.supervisor") & {"altair", "celery", "kombu"}


def test_serving_imports_nothing_large_before_its_address_is_taken() -> None:
    assert not imported("-c", "import service.serving") & {*HEAVY, "pydantic", "structlog", "uvicorn"}


def test_a_database_that_has_its_schema_is_looked_at_without_alembic(tmp_path: Path) -> None:
    code = "from service.settings import Settings; from service.preparation import migrate; "
    code += f"migrate(Settings(home={str(tmp_path)!r}))"
    assert "alembic" in imported("-c", code)
    assert "alembic" not in imported("-c", code)


def test_the_command_line_tells_its_version() -> None:
    command = [sys.executable, "-m", "service", "--version"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
    assert said.startswith(f"memspan {version('memspan')} (Python {sys.version_info.major}.{sys.version_info.minor}.")
    assert version("torch") in said


def test_the_public_names_are_listed_and_are_what_their_modules_define() -> None:
    assert set(memspan.__all__) <= set(dir(memspan))
    assert memspan.run is memspan.experiment.run.run
    assert memspan.study is memspan.run_study.study
    with pytest.raises(AttributeError, match="module 'memspan' has no attribute 'train'"):
        memspan.train  # type: ignore[attr-defined]  # noqa: B018


def test_a_script_beside_a_clone_finds_the_installed_package(tmp_path: Path) -> None:
    """A folder ``memspan`` without ``__init__.py`` is a namespace package to Python, and must not come first."""
    clone = tmp_path / "memspan"
    clone.mkdir()
    for each in ROOT.iterdir():
        if not each.name.startswith("."):
            (clone / each.name).symlink_to(each)
    script = tmp_path / "first.py"
    script.write_text(SCRIPT, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, str(script)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "True True ExperimentSpec\n", done.stderr
