"""README names everything that a user may write."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command

from memspan.figures.catalogue import FIGURES
from memspan.models import model
from memspan.optimizers import optimizer
from memspan.probes import probe
from memspan.studies import study
from memspan.tasks import task
from service.commands import cli
from service.operations.exports import Format
from service.settings import Settings
from tests.contract.environment import read_variables

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "benchmarks/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
VARIABLES = read_variables()
COMMANDS: dict[str, Any] = get_command(cli).commands  # type: ignore[attr-defined]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEPLOYMENT = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
KINDS = [kind for family in (task, model, optimizer, probe, study) for kind in family.kinds()]


@pytest.mark.parametrize("kind", KINDS)
def test_readme_names_every_kind(kind: str) -> None:
    assert f"`{kind}`" in README


@pytest.mark.parametrize("command", COMMANDS)
def test_readme_names_every_command(command: str) -> None:
    assert f"memspan {command}" in README


def command_lines(page: str) -> list[str]:
    """Every command line of Memspan's own on a page: in a span of code, or at the start of a line of a block."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", page, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", page, flags=re.DOTALL | re.MULTILINE))
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in (*spans, *lines) if re.match(r"(\S*/)?memspan [a-z-]", line)]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_line_on_a_page_exists(path: Path) -> None:
    for line in command_lines(path.read_text(encoding="utf-8")):
        name, *words = line.partition("#")[0].split()[1:]
        options = {"--help", "--version"} if name.startswith("-") else {"--help", *_options(name, words, line)}
        assert {word for word in [name, *words] if word.startswith("--")} <= options, line


def _options(name: str, words: list[str], line: str) -> list[str]:
    """Of a command, or of that one of a group which the next word names."""
    assert name in COMMANDS, f"{line}: there is no such command"
    command = COMMANDS[name]
    if words and hasattr(command, "commands"):
        assert words[0] in command.commands, f"{line}: there is no such command"
        command = command.commands[words[0]]
    return [option for parameter in command.params for option in parameter.opts]


def test_command_lines_are_found_on_a_page() -> None:
    assert command_lines(
        "Say `memspan keys create` or\n```\n.venv/bin/memspan run a.json\nmemspan\n```\n`memspan.run`"
    ) == [
        "memspan keys create",
        ".venv/bin/memspan run a.json",
    ]
    assert len(command_lines(README)) >= 10


@pytest.mark.parametrize("path", sorted((ROOT / "service").rglob("*.py")), ids=lambda path: path.name)
def test_every_command_that_the_service_tells_its_users_exists(path: Path) -> None:
    told = re.findall(r"(?:`|\b(?:with|run|with:|runs:?) )memspan ([a-z]+)", path.read_text(encoding="utf-8"))
    assert set(told) <= set(COMMANDS)


@pytest.mark.parametrize("target", ["setup", "demo", "serve", "test", "test-long", "check", "bench"])
def test_readme_names_every_target(target: str) -> None:
    assert f"make {target}" in README
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_the_deployment_page_names_every_setting(name: str) -> None:
    assert f"MEMSPAN_{name.upper()}" in DEPLOYMENT


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_every_variable_that_is_read_is_named_on_a_page(name: str) -> None:
    assert any(re.search(rf"\b{name}\b", path.read_text(encoding="utf-8")) for path in PAGES)


def test_the_variables_are_those_of_the_settings_and_of_the_code() -> None:
    assert {"MEMSPAN_HOME", "MEMSPAN_SERVER", "MEMSPAN_CACHE", "MEMSPAN_PEERS", "XDG_CACHE_HOME", "DEMO"} <= VARIABLES
    assert not {"MEMSPAN_WORKER_PARENT", "MEMSPAN_WORKER_QUEUES", "MEMSPAN_WORKER_DRAIN"} & VARIABLES


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_names_a_variable_that_nothing_reads(path: Path) -> None:
    assert set(re.findall(r"\bMEMSPAN_[A-Z_]+", path.read_text(encoding="utf-8"))) <= VARIABLES


def test_readme_names_every_figure_and_no_other() -> None:
    (named,) = re.findall(r"the names are\s+(.*?):", README, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", named)) == set(FIGURES)


@pytest.mark.parametrize("form", [form for form in get_args(Format) if form != "json"])
def test_readme_names_every_format_of_export(form: str) -> None:
    assert f"`?format={form}`" in README


def test_continuous_integration_runs_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "make test\n" in script
    assert "make test-long" in script
