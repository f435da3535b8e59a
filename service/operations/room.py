"""Room: whether there is space on disk for more to be taken on.

What was taken on needs room until it is done: metrics, snapshots, weights. So nothing new is taken on while there is
still a reserve, and those who work may use it up.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ByteSize

from service.disk import Disk, disk_of
from service.errors import NoRoom
from service.operations.context import Context

LARGEST_MINIMUM = 2**30
SHARE = 0.02
"""of a disk that is kept free unless a setting says otherwise, at most a gibibyte"""


def disks(context: Context) -> Sequence[Disk]:
    """The file systems of the home and of an embedded database; those that can't be looked at are left out.

    A database server's disk can't be seen from here.
    """
    places = {"home": context.settings.home, "database": context.database.path}
    found = (_disk(name, path) for name, path in places.items() if path is not None)
    return [disk for disk in found if disk is not None]


def _disk(name: str, path: Path) -> Disk | None:
    try:
        return disk_of(name, path)
    except OSError:
        return None


def minimum(context: Context, disk: Disk) -> int:
    """The bytes that are to stay free on a disk."""
    chosen = context.settings.minimum_free
    return min(LARGEST_MINIMUM, int(SHARE * disk.total_bytes)) if chosen is None else int(chosen)


def shortage(context: Context) -> str | None:
    """A sentence about the first disk with too little room; None where there is enough."""
    for disk in disks(context):
        least = minimum(context, disk)
        if disk.free_bytes < least:
            free, kept = (ByteSize(count).human_readable() for count in (disk.free_bytes, least))
            return f"The disk of the {disk.name} has {free} left, and {kept} are kept free (MEMSPAN_MINIMUM_FREE)."
    return None


def require(context: Context) -> None:
    """Refuse to take on what must be stored while there is too little room.

    Raises:
        NoRoom: says which disk lacks how much.
    """
    short = shortage(context)
    if short is not None:
        raise NoRoom(f"{short} Delete experiments that nobody needs, or make room, and ask again.")
