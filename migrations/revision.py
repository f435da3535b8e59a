"""The newest revision, read from the names of the migrations: who only compares it needs no Alembic."""

from functools import cache
from pathlib import Path


@cache
def newest() -> str:
    """The revision that this code needs."""
    names = sorted(path.name for path in (Path(__file__).parent / "versions").glob("[0-9]*_*.py"))
    return names[-1].partition("_")[0]


class UnknownRevision(Exception):
    """A database has a revision that no migration here makes."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"its schema has the revision {found!r}, and this Memspan knows none after {newest()!r}. "
            "Install the newer Memspan that made it, or name another database."
        )
