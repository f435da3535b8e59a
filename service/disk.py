"""Disks: the file systems that something of ours lies on, and how much of each is free."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Disk:
    """A file system, called after what lies on it.

    Attributes:
        free_bytes: what this process may still write.
        total_bytes: its size.
    """

    name: str
    free_bytes: int
    total_bytes: int


def disk_of(name: str, path: Path) -> Disk:
    """The file system that a path lies on, or would lie on once it is made.

    Raises:
        OSError: it can't be looked at.
    """
    there = next(each for each in (path, *path.parents) if each.exists())
    found = shutil.disk_usage(there)
    return Disk(name, found.free, found.total)
