"""System calls that a confined child needs none of: sockets, other programs, signals to others.

Source:
    Linux kernel documentation, "Seccomp BPF (SECure COMPuting with filters)".
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys

ARCHITECTURES = {
    # its name in a filter; then socket, socketpair, execve, execveat, fork, vfork, kill, tkill, ptrace, io_uring_setup
    "x86_64": (0xC000003E, (41, 53, 59, 322, 57, 58, 62, 200, 101, 425)),
    "aarch64": (0xC00000B7, (198, 199, 221, 281, 129, 130, 117, 425)),
}
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOWED, NOT_PERMITTED, KILLED = 0x7FFF0000, 0x00050001, 0x80000000
NUMBER_AT, ARCHITECTURE_AT = 0, 4
OTHER_ABI = 0x40000000
"""from which on x86-64 counts the same calls once more, for programs with short pointers"""
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2


def forbid() -> bool:
    """Answer those calls of this process with "not permitted" from now on; whether this system can do so."""
    known = ARCHITECTURES.get(platform.machine())
    if known is None or not sys.platform.startswith("linux"):
        return False
    steps = _filter(*known)
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    lines = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(steps), ctypes.addressof(lines))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return False
    return not prctl(SECCOMP, FILTER, ctypes.c_char_p(program), 0, 0)


def _filter(architecture: int, calls: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """A program of the kernel's filter machine: operation, lines to skip if true, if false, operand."""
    return [
        (LOAD, 0, 0, ARCHITECTURE_AT),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILLED),
        (LOAD, 0, 0, NUMBER_AT),
        (AT_LEAST, len(calls), 0, OTHER_ABI),
        *((EQUAL, len(calls) - place, 0, call) for place, call in enumerate(calls)),
        (RETURN, 0, 0, ALLOWED),
        (RETURN, 0, 0, NOT_PERMITTED),
    ]
