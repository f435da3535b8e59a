"""The memory bound: what is computed within it fails by an error of its own before the machine is out of memory."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STATM = Path("/proc/self/statm")
RESIDENT, DATA = 1, 5
"""places in the file, in pages: what lies in memory, and what is reserved for data. Source: proc_pid_statm(5)"""


@contextmanager
def memory_bound(most_bytes: int) -> Iterator[None]:
    """Let this process grow until it holds ``most_bytes``: then allocations fail.

    The kernel counts reserved data (RLIMIT_DATA, since Linux 4.7), of which libraries reserve more than they use: what
    is reserved and not used now comes on top. Where that can't be seen there is no bound.
    """
    before, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = _reserved(most_bytes)
    if bound is None:
        yield
        return
    limits = [bound, *(each for each in (before, hard) if each != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, hard))


def _reserved(most_bytes: int) -> int | None:
    """The bytes that may be reserved for data when so many may be used."""
    try:
        pages = [int(each) for each in STATM.read_text().split()]
    except OSError:
        return None
    size = resource.getpagesize()
    return pages[DATA] * size + max(0, most_bytes - pages[RESIDENT] * size)
