"""The share of a machine's memory that each of some workers may take."""

from memspan.engine.machine_memory import machine_bytes
from service.settings import LEAST_WORKER_MEMORY, MEBIBYTE

BESIDE_BYTES = 512 * MEBIBYTE
"""what is left to the API, or to a worker's parent process"""


def worker_share(count: int) -> int:
    """Bytes for each of ``count`` workers of this machine; never less than a worker can do anything with."""
    return max(LEAST_WORKER_MEMORY, (machine_bytes() - BESIDE_BYTES) // max(count, 1))
