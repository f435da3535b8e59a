"""Works that a confined child of the tests does; imported in the child alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from memspan.confinement.errors import Refused
from memspan.confinement.frame import Frame


def begin():
    """One work that does what its question says."""

    def answer(question: Frame) -> Frame:
        return DEEDS[question.document["do"]](question)

    return answer


def _surroundings(_: Frame) -> Frame:
    try:
        here: str | None = os.getcwd()  # noqa: PTH109 - Path.cwd() is the same call
    except FileNotFoundError:
        here = None
    return Frame({"variables": sorted(os.environ), "isolated": sys.flags.isolated, "here": here})


def _socket(_: Frame) -> Frame:
    return _tried(lambda: socket.socket())


def _program(_: Frame) -> Frame:
    return _tried(lambda: subprocess.run(["/bin/true"]))


def _write(_: Frame) -> Frame:
    def write() -> None:
        with Path("/tmp/written-by-the-confined").open("w") as file:  # noqa: S108, where everybody may write
            file.write("x" * 100_000)

    return _tried(write)


def _tried(deed) -> Frame:
    try:
        deed()
    except OSError as error:
        return Frame({"refused_by_system": type(error).__name__})
    return Frame({"done": True})


def _refuse(_: Frame) -> Frame:
    raise Refused("Row 3 is no number.", "#/rows/3")


def _hang(_: Frame) -> Frame:
    time.sleep(60)
    return Frame({})


def _spin(_: Frame) -> Frame:
    while True:
        pass


def _abort(_: Frame) -> Frame:
    os.abort()


def _leave(_: Frame) -> Frame:
    os._exit(3)


def _lie(_: Frame) -> Frame:
    os.write(1, (20).to_bytes(8, "little") + (2**60).to_bytes(8, "little"))
    time.sleep(60)
    return Frame({})


def _babble(_: Frame) -> Frame:
    os.write(1, (5).to_bytes(8, "little") + (0).to_bytes(8, "little") + b"%$#@!")
    time.sleep(60)
    return Frame({})


DEEDS = {
    "echo": lambda question: question,
    "surroundings": _surroundings,
    "socket": _socket,
    "program": _program,
    "write": _write,
    "refuse": _refuse,
    "grow": lambda question: Frame({"bytes": len(bytearray(2**32))}),
    "hang": _hang,
    "spin": _spin,
    "abort": _abort,
    "leave": _leave,
    "lie": _lie,
    "babble": _babble,
    "read": lambda question: Frame({}, os.read(question.document["file"], 100)),
}
