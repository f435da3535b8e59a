"""How much memory there is for this process: the machine's, or what its container may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ByteSize, TypeAdapter

VARIABLE = "MEMSPAN_WORKER_MEMORY"
PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def machine_bytes(proc: Path = PROC, cgroups: Path = CGROUPS) -> int:
    """The least of what the machine has and of the limits of all control groups that this process is in.

    Source:
        cgroups(7); the kernel's admin guide: memory.max of version 2, memory.limit_in_bytes of version 1.
    """
    return min([_physical(proc), *_limits(proc, cgroups)])


def worker_bytes() -> int:
    """What this process may take, where it trains by itself: $MEMSPAN_WORKER_MEMORY, or all that there is.

    Raises:
        ValueError: the variable is no number of bytes.
    """
    chosen = os.environ.get(VARIABLE)
    return TypeAdapter(ByteSize).validate_python(chosen) if chosen else machine_bytes()


def _physical(proc: Path) -> int:
    """The memory of the machine."""
    try:
        line = next(each for each in (proc / "meminfo").read_text().splitlines() if each.startswith("MemTotal:"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _limits(proc: Path, cgroups: Path) -> Iterator[int]:
    """The limits that are set, of each group and of those around it."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _of_groups(cgroups, path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _of_groups(cgroups / "memory", path, "memory.limit_in_bytes")


def _of_groups(root: Path, path: str, file: str) -> Iterator[int]:
    """A group's limit and those around it; in a container only the root of what it sees may be there."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for depth in range(len(parts) + 1):
        try:
            text = root.joinpath(*parts[:depth], file).read_text().strip()
        except OSError:
            continue
        if text.isdigit():  # "max" where there is none
            yield int(text)
