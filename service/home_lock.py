"""The lock of a home folder: whoever serves or works holds it together with others, a restore alone.

A lock of the operating system: it goes with the process, however that ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = ".in-use"
_held: list[int] = []
"""of this process, to its end"""


def hold(home: Path) -> None:
    """Use a home until this process ends, and what it becomes by ``exec``.

    Raises:
        SystemExit: a backup is just being restored into it.
    """
    handle = _opened(home)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise SystemExit(f"A backup is being restored into {home}: start again when that is done.") from None
    os.set_inheritable(handle, True)
    _held.append(handle)


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Keep everybody else out.

    Raises:
        SystemExit: somebody uses the home.
    """
    handle = _opened(home)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise SystemExit(f"A Memspan service or worker uses {home}: stop it first.") from None
    finally:
        os.close(handle)


def _opened(home: Path) -> int:
    return os.open(home / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
