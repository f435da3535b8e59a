"""Files and folders that only we can have written: their owner and mode are looked at before they are trusted."""

from __future__ import annotations

import os
import stat
from pathlib import Path

OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
OTHERS_MAY_READ = stat.S_IRGRP | stat.S_IROTH


class NotOurs(Exception):
    """Somebody else may have written it, or may read what is secret; the message says what is wrong and with what."""


def owned_bytes(path: Path, secret: bool = False) -> bytes:
    """What a file of ours holds. What is looked at is what is read: a file that is exchanged meanwhile isn't followed.

    Args:
        secret: whether others must not be able to read it either.

    Raises:
        FileNotFoundError: there is none.
        NotOurs: it is no plain file, somebody else's, or others may write it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:  # a link, or a file of somebody else that we may not read
        raise NotOurs(f"{path} can't be read as a file of ours ({error.strerror})") from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise NotOurs(f"{path} is no plain file")
        _check(path, found, OTHERS_MAY_WRITE | (OTHERS_MAY_READ if secret else 0))
        return file.read()


def check_folder(path: Path) -> None:
    """A folder that we made, and that others can't write into.

    Raises:
        FileNotFoundError: there is none.
        NotOurs: it is a link, somebody else's, or others may write it.
    """
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotOurs(f"{path} is no folder")
    _check(path, found, OTHERS_MAY_WRITE)


def _check(path: Path, found: os.stat_result, forbidden: int) -> None:
    if found.st_uid != os.geteuid():
        raise NotOurs(f"{path} belongs to user {found.st_uid}, not to {os.geteuid()}")
    if found.st_mode & forbidden:
        raise NotOurs(f"{path} has mode {stat.S_IMODE(found.st_mode):o}, which lets others at it")
