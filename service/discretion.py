"""Discretion: what of an error may be told. No SQL, no path of this machine and no traceback leaves the service.

It stands where words leave: in the columns that keep why something failed (``service.storage.columns``), and in the
documents of problems (``service.errors``). The log says everything.
"""

import os
import re
import sys
import tempfile
from functools import cache
from pathlib import Path

MOST_CHARACTERS = 500
"""of a reason that is kept"""
DATABASE = "The database could not do what was asked of it; the log tells why."
INTERNAL = "Something failed within the service; the log tells why."
DRIVERS = ("sqlalchemy", "sqlite3", "psycopg", "alembic")
"""modules whose errors speak SQL"""
SPEAKS_SQL = re.compile(r"\[SQL|\bsqlite3\.|\bpsycopg\b|\(Background on this error at|^LINE \d+:", re.MULTILINE)
IS_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|^\s*File \".*\", line \d+", re.MULTILINE)
NAMES = r"(?:/[^\s/'\"():,;]+)"
ANY_PATH = re.compile(rf"(?<![\w.:/-]){NAMES}{NAMES}+/?")
VARIABLES = ("MEMSPAN_HOME", "MEMSPAN_DATA", "MEMSPAN_CACHE", "HOME", "XDG_CACHE_HOME")


def told(error: BaseException) -> str:
    """What may be told and kept of an error that nobody foresaw."""
    if type(error).__module__.partition(".")[0] in DRIVERS:
        return DATABASE
    return kept(f"{type(error).__name__}: {error}")


def kept(text: str) -> str:
    """A reason as it is kept: of any path only the last name."""
    return ANY_PATH.sub(_name, discreet(text))[:MOST_CHARACTERS]


def discreet(text: str) -> str:
    """A sentence without what nobody outside should know; addresses of the service, as /results, stay."""
    if SPEAKS_SQL.search(text):
        return DATABASE
    if IS_TRACEBACK.search(text):
        return INTERNAL
    return _own_paths(_folders()).sub(_name, text)


def _name(found: re.Match[str]) -> str:
    """The last name of a path."""
    return found[0].rstrip("/").rpartition("/")[2]


def _folders() -> tuple[str, ...]:
    """The folders of this machine that sentences may come to name."""
    named = [os.environ.get(name) for name in VARIABLES]
    code = [sys.prefix, sys.base_prefix, str(Path(__file__).parents[1])]
    places = {str(Path(each).expanduser().absolute()) for each in [*named, *code, tempfile.gettempdir(), "~"] if each}
    return tuple(sorted((place for place in places if place != "/"), key=len, reverse=True))


@cache
def _own_paths(folders: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(re.escape(folder) for folder in folders)
    return re.compile(rf"(?<![\w.])(?:{names})(?=[\s/'\"():,;.]|$){NAMES}*/?")
