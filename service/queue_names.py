"""The queues in which runs and probes wait for workers."""

from collections.abc import Iterable
from enum import StrEnum


class Queue(StrEnum):
    """Where a run or a probe waits, by what a worker needs to have."""

    CPU = "cpu"
    GPU = "gpu"
    PROBE = "probe"


TRAINING = (Queue.CPU, Queue.GPU)
"""the queues of runs"""


def listed(queues: Iterable[Queue]) -> str:
    """Queues as a command line and the table of workers have them: ``cpu,gpu``."""
    return ",".join(queues)


ALL = listed(Queue)


def parsed(text: str) -> tuple[Queue, ...]:
    """The queues of a comma-separated list.

    Raises:
        ValueError: one of them does not exist; a sentence.
    """
    names = text.split(",")
    unknown = sorted(set(names) - {*Queue})
    if unknown:
        raise ValueError(f"There is no queue {', '.join(unknown)}; known are cpu, gpu and probe.")
    return tuple(map(Queue, names))
