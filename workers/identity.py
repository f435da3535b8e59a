"""Who a worker process is."""

import os
import socket
from dataclasses import dataclass
from uuid import uuid4

import torch

PARENT_VARIABLE = "MEMSPAN_WORKER_PARENT"
"""how a parent process tells its children whose they are"""


@dataclass(frozen=True)
class Identity:
    """A worker process.

    Attributes:
        name: unique for ever.
        parent: token of the process that started it and takes back its leases when it dies.
        device: where it computes: cpu, or cuda.
    """

    name: str
    parent: str
    host: str
    pid: int
    queues: tuple[str, ...]
    device: str

    def row(self) -> dict[str, object]:
        """As it stands in the table of workers."""
        return {
            "name": self.name,
            "parent": self.parent,
            "host": self.host,
            "pid": self.pid,
            "queues": ",".join(self.queues),
            "device": self.device,
        }


def identify(queues: tuple[str, ...]) -> Identity:
    """This process. Without a GPU it leaves the gpu queue to others."""
    device = "cuda" if torch.cuda.is_available() and "gpu" in queues else "cpu"
    served = tuple(queue for queue in queues if queue != "gpu" or device == "cuda")
    host, pid = socket.gethostname(), os.getpid()
    name = f"{host}-{pid}-{uuid4().hex[:8]}"
    return Identity(name, os.environ.get(PARENT_VARIABLE, name), host, pid, served, device)
