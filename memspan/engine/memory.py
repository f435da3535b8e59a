"""How much memory a worker holds at its peak, roughly: for plans, and for refusing what a machine can't hold."""

from __future__ import annotations

from memspan.engine.population import Condition
from memspan.interfaces.network import Network

PROCESS_BYTES = 350 * 2**20


def peak_bytes(condition: Condition, network: Network, engine: str, members: int) -> int:
    """Bytes of a worker that trains a stack of ``members``."""
    return PROCESS_BYTES
