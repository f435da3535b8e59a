"""A host of its own: a network namespace on this machine, joined to it by a cable that can be cut."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from tests.processes import MemspanProcess

OURS, ITS = "10.213.7.1", "10.213.7.2"
NOBODY = "02:00:00:00:00:01"
"""a hardware address that nobody has"""


def obstacle() -> str | None:
    """Why there can be no such host here; None where there can."""
    if shutil.which("ip") is None:
        return "there is no program ip (iproute2), which makes network namespaces"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    tried = _run("ip", "netns", "add", f"try{os.getpid()}", check=False)
    if tried.returncode:
        return f"network namespaces are forbidden here: {tried.stderr.strip()}"
    _run("ip", "netns", "delete", f"try{os.getpid()}")
    return None


@dataclass(frozen=True)
class Host:
    """A running host.

    Attributes:
        name: of its namespace.
        cable: our end of what joins us; its own is called eth0.
    """

    name: str
    cable: str

    def cut(self) -> None:
        """From now on every packet is lost, in both directions, and nobody is told: they go to nobody's address."""
        _run("ip", "neigh", "replace", ITS, "lladdr", NOBODY, "dev", self.cable, "nud", "permanent")
        self._inside("ip", "neigh", "replace", OURS, "lladdr", NOBODY, "dev", "eth0", "nud", "permanent")

    def mend(self) -> None:
        """Packets arrive again."""
        _run("ip", "neigh", "delete", ITS, "dev", self.cable)
        self._inside("ip", "neigh", "delete", OURS, "dev", "eth0")

    def _inside(self, *command: str) -> None:
        _run("ip", "netns", "exec", self.name, *command)


@contextlib.contextmanager
def joined() -> Iterator[Host]:
    """A host at 10.213.7.2 that sees us at 10.213.7.1, and nobody else."""
    host = Host(f"memspan{os.getpid()}", f"ms{os.getpid()}")
    _run("ip", "netns", "add", host.name)
    try:
        _run("ip", "link", "add", host.cable, "type", "veth", "peer", "name", "eth0", "netns", host.name)
        _run("ip", "address", "add", f"{OURS}/30", "dev", host.cable)
        _run("ip", "link", "set", host.cable, "up")
        for command in ("address add 10.213.7.2/30 dev eth0", "link set eth0 up", "link set lo up"):
            host._inside("ip", *command.split())
        yield host
    finally:
        _run("ip", "link", "delete", host.cable, check=False)
        _run("ip", "netns", "delete", host.name, check=False)


class ProcessOnHost(MemspanProcess):
    """A command of ``memspan`` that runs on such a host."""

    host: Host

    def command(self) -> list[str]:
        return ["ip", "netns", "exec", self.host.name, *super().command()]


def _run(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=check)
