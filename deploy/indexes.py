"""Where pip finds packages on this machine, from its own configuration, so that other tools look at the same places."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache


def default_index() -> str | None:
    """The address of the index that pip asks first; None where that is the usual one."""
    return _configured().get("index-url")


@cache
def _configured() -> dict[str, str]:
    """pip's options by name; the environment goes before files."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603, a constant
    pairs = [line.partition("=") for line in done.stdout.splitlines()]
    ranked = sorted(pairs, key=lambda pair: pair[0].startswith(":env:"))
    return {key.rpartition(".")[2]: str(ast.literal_eval(value)) for key, _, value in ranked}
