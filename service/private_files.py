"""Private files: what is stored is its owner's alone, whatever the surroundings say."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import structlog

UMASK = 0o077
FOLDER, FILE = 0o700, 0o600
SIDE_FILES = ("-wal", "-shm", "-journal")
"""what SQLite keeps beside its file"""

log = structlog.stdlib.get_logger("memspan.files")


def keep_private(home: Path, database: Path | None) -> None:
    """Let this process make files for its owner only, and mend the modes of those that are there.

    The home folder is 0700, files directly in it (the database, keys) and those of a database elsewhere are 0600. Data
    sets in folders below stay as they are: the home's own mode hides them.
    """
    os.umask(UMASK)
    for path, mode in _wanted(home, database):
        _mend(path, mode)


def _wanted(home: Path, database: Path | None) -> Iterator[tuple[Path, int]]:
    if home.is_dir():
        yield home, FOLDER
        yield from ((path, FILE) for path in sorted(home.iterdir()) if path.is_file() and not path.is_symlink())
    if database is not None and database.parent != home:
        named = [database, *(database.with_name(database.name + end) for end in SIDE_FILES)]
        yield from ((path, FILE) for path in named if path.is_file())


def _mend(path: Path, mode: int) -> None:
    """Take away what others may; a file that is somebody else's is told of."""
    try:
        found = stat.S_IMODE(path.stat().st_mode)
        if found & ~mode:
            path.chmod(found & mode)
            log.warning("mode_mended", file=str(path), found=f"{found:04o}", now=f"{found & mode:04o}")
    except FileNotFoundError:
        return  # SQLite drops its side files with its last connection
    except OSError as error:
        log.warning("mode_not_mended", file=str(path), reason=str(error))
