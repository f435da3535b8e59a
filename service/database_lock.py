"""The lock of an embedded database: whoever serves, works or looks holds it together with others, a restore alone.

It is of the database's file, wherever that lies: services with homes of their own may use the same one. A lock of the
operating system goes with the process, however that ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_held: list[int] = []
"""of this process, to its end"""


def hold(database: Path) -> None:
    """Use a database until this process ends, and what it becomes by ``exec``.

    Raises:
        SystemExit: a backup is just being restored into its place.
    """
    handle = _opened(database)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise SystemExit(f"A backup is being restored as {database}: start again when that is done.") from None
    os.set_inheritable(handle, True)
    _held.append(handle)


@contextmanager
def alone(database: Path) -> Iterator[None]:
    """Keep everybody else out.

    Raises:
        SystemExit: somebody uses the database.
    """
    handle = _opened(database)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise SystemExit(f"A Memspan service, worker or command uses {database}: stop it first.") from None
    finally:
        os.close(handle)


def _opened(database: Path) -> int:
    """The file of the lock. It lies beside the database itself, whatever links lead there."""
    place = database.resolve()
    return os.open(place.with_name(f".{place.name}.in-use"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
