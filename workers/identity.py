"""Who a worker process is."""

import os
import socket
from uuid import uuid4

import torch

from service.queue_names import Queue
from service.storage.workers import Identity

PARENT_VARIABLE = "MEMSPAN_WORKER_PARENT"
"""how a parent process tells its children whose they are"""


def identify(queues: tuple[Queue, ...], memory_limit: int) -> Identity:
    """This process, which may take so many bytes. Without a GPU it leaves the gpu queue to others."""
    device = "cuda" if torch.cuda.is_available() and Queue.GPU in queues else "cpu"
    served = tuple(queue for queue in queues if queue is not Queue.GPU or device == "cuda")
    host, pid = socket.gethostname(), os.getpid()
    name = f"{host}-{pid}-{uuid4().hex[:8]}"
    if device == "cuda":
        memory_limit = min(memory_limit, torch.cuda.get_device_properties(0).total_memory)
    return Identity(name, os.environ.get(PARENT_VARIABLE, name), host, pid, served, device, memory_limit)
