"""Passwords are made once, into a file that its owner alone can read; what is there already stays.

python3 -m deploy.passwords .env POSTGRES_PASSWORD REDIS_PASSWORD
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.env_file import read, write

RANDOM_BYTES = 32
OLD_DEFAULT = "memspan"
"""what Compose took for a password where none was set, until there was this file"""


def provide(path: Path, names: Sequence[str]) -> list[str]:
    """Give every name a value of 43 random letters, digits, - and _ unless it has one; the names that had none."""
    given = read(path)
    missing = [name for name in names if not given.get(name)]
    write(path, {name: secrets.token_urlsafe(RANDOM_BYTES) for name in missing})
    return missing


def told(path: Path, names: Sequence[str], made: Sequence[str]) -> list[str]:
    """What was done, in sentences; no value is shown."""
    given = read(path)
    lines = [f"{', '.join(made)} made in {path}; only you can read it, and git ignores it."] if made else []
    lines += [f"{name} in {path} stays as it was." for name in names if name not in made]
    lines += [
        f"WARNING: {name} is the default of older versions, which everybody knows. docs/deployment.md, Upgrades, says"
        " how it is changed."
        for name in names
        if given[name] == OLD_DEFAULT
    ]
    return lines


def main() -> None:
    path, names = Path(sys.argv[1]), sys.argv[2:]
    for line in told(path, names, provide(path, names)):
        print(line)


if __name__ == "__main__":
    main()
