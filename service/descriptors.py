"""Descriptors: how many files and connections this process may have open."""

import contextlib
import resource

RESERVED = 256
"""kept for the database, children, files, and for connections that are about to be closed"""
UNLIMITED = 1_048_576


def raise_descriptor_limit() -> int:
    """Take as many descriptors as this process may have; how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = UNLIMITED if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    with contextlib.suppress(OSError, ValueError):  # the system may allow fewer than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
