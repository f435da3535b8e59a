"""The shelf: table files of data sets by their sha256, in the home folder; what is missing is asked for once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import sha256 as hashed
from pathlib import Path
from tempfile import NamedTemporaryFile

from memspan.datasets.unavailable import DatasetUnavailable
from memspan.interfaces.home import home_folder
from memspan.tables.table import Sequences, Table
from memspan.tables.table_file import NoTableFile, read_file

Supply = Callable[[str], Iterator[bytes] | None]
"""the pieces of a table file by its sha256, None where nobody has it"""
MOST_BYTES = 4 * 2**30
"""of all files on the shelf; those that were read longest ago go first"""

_suppliers: list[tuple[Supply, Path]] = []
"""who is asked, the last that came first, and the folder that each keeps files in"""


class NotOnShelf(DatasetUnavailable):
    """Nobody has the data set any more."""

    def __init__(self, sha256: str) -> None:
        super().__init__(
            f"The data set with the sha256 {sha256} is gone: send its file again, and post a new experiment."
        )


def supplied_by(supply: Supply, home: Path) -> None:
    """From now on ask this one first for what isn't on the shelf in its home."""
    _suppliers.insert(0, (supply, home / "datasets"))
    del _suppliers[8:]


@lru_cache(maxsize=4)
def found(sha256: str) -> Table | Sequences:
    """A data set by the sha256 of its table file.

    Raises:
        DatasetUnavailable: nobody has it, or what is there is something else.
    """
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise NotOnShelf(sha256)
    try:
        path = _path(sha256)
        os.utime(path)
        return _read(path, sha256)
    except (OSError, NoTableFile) as error:
        raise DatasetUnavailable(f"The data set {sha256} can't be read from the cache: {error}.") from error


def forget(sha256: str) -> None:
    """Take a file off the shelf, since nobody is to have it any more."""
    for folder in {folder for _, folder in _suppliers}:
        (folder / f"{sha256}.safetensors").unlink(missing_ok=True)
    found.cache_clear()


def _read(path: Path, sha256: str) -> Table | Sequences:
    """What is in a file; one that a machine left damaged when it went down is fetched once more."""
    try:
        return read_file(path)
    except NoTableFile:
        path.unlink(missing_ok=True)
        return read_file(_path(sha256))


def _path(sha256: str) -> Path:
    """Where the file lies, fetched where it doesn't yet."""
    name = f"{sha256}.safetensors"
    folders = [folder for _, folder in _suppliers] or [home_folder() / "datasets"]
    there = next((folder / name for folder in folders if (folder / name).exists()), None)
    if there is not None:
        return there
    for supply, folder in _suppliers:
        pieces = supply(sha256)
        if pieces is not None and _put(folder / name, sha256, pieces):
            return folder / name
    raise NotOnShelf(sha256)


def _put(path: Path, sha256: str, pieces: Iterator[bytes]) -> bool:
    """Put a file on the shelf, whole or not at all; whether it is the right one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashed()
    with NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        part = Path(file.name)
        try:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            if digest.hexdigest() != sha256:
                return False
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    _make_room(path)
    return True


def _make_room(newest: Path) -> None:
    """Take files off the shelf that were read longest ago, and what an interrupted process left."""
    files = sorted(newest.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for path in files:
        total += path.stat().st_size
        if total > MOST_BYTES and path != newest:
            path.unlink(missing_ok=True)
