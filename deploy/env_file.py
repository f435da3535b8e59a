"""A file of ``NAME=value`` lines that its owner alone can read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

OWNER_ALONE = 0o600


def read(path: Path) -> dict[str, str]:
    """Its values by name; none where there is no file. Lines of anything else are left out."""
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text(encoding="utf-8").splitlines() if _is_pair(line))
    return {name.strip(): value.strip() for name, _, value in pairs}


def write(path: Path, values: Mapping[str, str]) -> None:
    """Set values by name, whole or not at all; other lines stay as they are. The mode becomes 0600, even of one that
    was there before."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if not (_is_pair(line) and line.partition("=")[0].strip() in values)]
    text = "".join(f"{line}\n" for line in [*kept, *(f"{name}={value}" for name, value in values.items())])
    number, name = tempfile.mkstemp(dir=path.resolve().parent, prefix=".env-")  # made with mode 0600
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(OWNER_ALONE)
        Path(name).replace(path.resolve())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _is_pair(line: str) -> bool:
    return "=" in line and not line.lstrip().startswith("#")
