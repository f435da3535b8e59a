"""What every page of the documentation owes: files, links, commands and defaults that it names are there."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name

import pytest

from benchmarks.__main__ import ALL, GROUPS
from service.commands import cli
from service.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), ROOT / "benchmarks/README.md", *ROOT.glob("docs/**/*.md"))
)
WRAPPED = [page for page in PAGES if page.parent == Path("docs")]
ARCHITECTURE = Path("docs/architecture.md")
USERS_OWN = {"docker-compose.override.yml", "spec.json"}
"""files that a reader is told to write"""
FILE = re.compile(r"[\w.-]+(/[\w.-]+)*(/|\.(py|md|json|toml|yml|txt|js|css|html|ini))")
ROOMS = ("memspan", "service", "workers", "benchmarks", "examples", "tests")
DOTTED = re.compile(rf"(?<![\w./])(?:{'|'.join(ROOMS)})(?:\.[A-Za-z_]\w*)+")
COMMANDS = {command.callback.__name__ for command in cli.registered_commands if command.callback}
COMMANDS |= {str(group.name) for group in cli.registered_groups}

each_page = pytest.mark.parametrize("page", PAGES, ids=str)


def text(page: Path) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def marked(page: Path) -> list[str]:
    """What stands between backticks on one line."""
    return re.findall(r"`([^`\n]+)`", text(page))


@pytest.fixture(scope="module")
def places() -> set[str]:
    """All files of the tree, and its folders with a slash behind them; nothing that tools leave there."""
    found = set()
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith((".", "__", "build"))]
        here = Path(folder).relative_to(ROOT)
        found |= {f"{here / name}/" for name in folders} | {f"{here / name}" for name in files}
    return found


@each_page
def test_every_file_and_folder_that_a_page_names_is_there(page: Path, places: set[str]) -> None:
    """By its path from the root, or by the end of it: `operations/patrol.py` is `service/operations/patrol.py`."""
    named = [each for each in marked(page) if FILE.fullmatch(each) and each not in USERS_OWN]
    gone = [each for each in named if not any(f"/{place}".endswith(f"/{each}") for place in places)]
    assert gone == []


def test_the_order_of_rooms_on_the_page_is_the_one_that_is_held() -> None:
    contracts = tomllib.loads(text(Path("pyproject.toml")))["tool"]["importlinter"]["contracts"]
    page = " ".join(text(ARCHITECTURE).split())
    for contract in contracts:
        if contract["name"].endswith("has one direction"):
            layers = " > ".join(contract["layers"]).replace(" : ", " | ")
            assert re.sub(r"\b(memspan|service)\.", "", layers) in page, contract["name"]


def test_the_places_where_a_change_goes_are_whole_paths(places: set[str]) -> None:
    section = text(ARCHITECTURE).partition("## Where a change goes")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 12
    for row in rows:
        named = [each for each in re.findall(r"`([^`]+)`", row) if "/" in each]
        assert named, row
        assert set(named) <= places


@pytest.mark.parametrize("page", WRAPPED, ids=str)
def test_prose_is_wrapped_as_code_is(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", text(page), flags=re.DOTALL | re.MULTILINE)
    assert [line for line in prose.splitlines() if len(line) > 120 and not line.startswith("|")] == []


@each_page
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text(page))
    gone = [link for link in links if "://" not in link and not (ROOT / page.parent / link).exists()]
    assert gone == []


@each_page
def test_every_benchmark_that_a_page_names_can_be_run(page: Path) -> None:
    named = re.findall(r"python -m benchmarks ([a-z_]+)", text(page))
    assert set(named) <= {*ALL, *GROUPS}


@pytest.mark.parametrize("room", ["memspan", "service", "workers"])
def test_every_benchmark_that_a_constant_names_can_be_run(room: str) -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / room).rglob("*.py")]
    named = {name for source in sources for name in re.findall(r"python -m benchmarks ([a-z_]+)", source)}
    assert named <= {*ALL, *GROUPS}


@each_page
def test_every_module_that_a_page_runs_is_there(page: Path) -> None:
    named = set(re.findall(r"python -m ((?:memspan|service|workers|benchmarks|tests|examples)[a-z_.]*)", text(page)))
    assert [name for name in named if find_spec(name.rstrip(".")) is None] == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_that_a_docstring_names_is_there(room: str) -> None:
    """With its whole dotted name: ``service.middleware.handlers``, or what a module defines."""
    named = {name for path in (ROOT / room).rglob("*.py") for text in docstrings(path) for name in DOTTED.findall(text)}
    assert [name for name in sorted(named) if not resolved(name)] == []


def docstrings(path: Path) -> Iterator[str]:
    """Those of the module, of its classes and functions, and those below its constants."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def resolved(name: str) -> bool:
    """Whether it is a module, which is not imported, or something that a module defines."""
    with suppress(ModuleNotFoundError):
        if find_spec(name) is not None:
            return True
    with suppress(ImportError, AttributeError):
        resolve_name(name)
        return True
    return False


@each_page
def test_every_command_that_a_page_names_is_one(page: Path) -> None:
    named = set(re.findall(r"`(?:\.venv/bin/)?memspan ([a-z]+)", text(page)))
    assert named <= COMMANDS


@pytest.mark.parametrize("page", ["README.md", "docs/deployment.md"])
def test_the_defaults_of_settings_are_those_that_a_page_names(page: str) -> None:
    rows = re.findall(r"^\| `MEMSPAN_([A-Z_]+)` \| (\d+) \|", text(Path(page)), re.MULTILINE)
    assert len(rows) >= 3
    defaults = {name: Settings.model_fields[name.lower()].default for name, _ in rows}
    assert {name: int(value) for name, value in rows} == defaults
