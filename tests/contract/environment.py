"""The environment variables that the code reads, found in the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
ROOMS = ("memspan", "service", "workers", "migrations", "examples", "benchmarks")
OF_THE_SYSTEM = {"PATH"}


def read_variables() -> set[str]:
    """Names of all variables that a user may set: those of the settings, of commands, and those read in passing.

    What a process only tells its children is left out: a name that the code itself puts into ``os.environ``, or into
    the environment of a child process by a name in capitals.
    """
    trees = [ast.parse(path.read_text(encoding="utf-8")) for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    constants = dict(pair for tree in trees for pair in _constants(tree))
    reads = {name for tree in trees for name in _reads(tree, constants)}
    told = {name for tree in trees for name in _told(tree, constants)}
    settings = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    return settings | (reads - told - OF_THE_SYSTEM)


def _constants(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Names in capitals that stand for a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            names = [each.id for each in node.targets if isinstance(each, ast.Name)]
            yield from ((name, node.value.value) for name in names if name.isupper())


def _reads(tree: ast.AST, constants: dict[str, str]) -> Iterator[str]:
    """What is asked of ``os.environ`` or ``os.getenv``, or named as an option's ``envvar``."""
    for node in ast.walk(tree):
        asked: ast.expr | None = None
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.environ.get", "os.getenv"):
            asked = node.args[0]
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ" and _loads(node):
            asked = node.slice
        if isinstance(node, ast.keyword) and node.arg == "envvar":
            asked = node.value
        yield from _texts(asked, constants)


def _told(tree: ast.AST, constants: dict[str, str]) -> Iterator[str]:
    """What is put into ``os.environ``, or by a name in capitals into a copy of it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ" and not _loads(node):
            yield from _texts(node.slice, constants)
        if isinstance(node, ast.Dict) and "os.environ" in ast.unparse(node):
            yield from (name for key in node.keys if isinstance(key, ast.Name) for name in _texts(key, constants))


def _loads(node: ast.Subscript) -> bool:
    return isinstance(node.ctx, ast.Load)


def _texts(node: ast.expr | None, constants: dict[str, str]) -> Iterator[str]:
    """The text of a constant or of a name that stands for one; a name made at run time has none."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    if isinstance(node, ast.Name) and node.id in constants:
        yield constants[node.id]
