"""What the fused engine takes on, and whether it can work here at all. Nothing here needs the compiler to import."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import lru_cache

from memspan.engine.fused.trace import UnknownOperation, traced
from memspan.interfaces.cell import Cell
from memspan.interfaces.network import Network
from memspan.interfaces.recurrence import Layer
from memspan.interfaces.signature import Signature

log = logging.getLogger("memspan.engine")

CROSSOVER: Mapping[int, int] = {1: 64, 2: 48, 3: 48, 4: 48}
"""largest hidden size, by the number of gates, at which the fused loop beats torch's products whatever the batch size;
measured by ``python -m benchmarks crossover``"""
ENGINES = ("auto", "torch")
"""what $MEMSPAN_ENGINE takes: the measured choice, or torch's own operations for everything"""
MOST_OUTPUTS = 64
MOST_CHANNELS = 64
"""not measured: no task of more than one time step has more of either"""


def takes(network: Network, signature: Signature) -> bool:
    """Whether the fused engine trains a network for such a task, on this machine."""
    recurrence = network.recurrence
    if recurrence is None or network.noisy is not None or not network.any_length:
        return False
    if signature.vocabulary or signature.places:
        return False
    small = signature.outputs <= MOST_OUTPUTS and signature.channels <= MOST_CHANNELS
    return small and all(map(_takes_layer, recurrence.layers)) and works()


def largest_size(cell: Cell) -> int:
    """Most units of a layer that the fused engine takes on."""
    return CROSSOVER.get(len(cell.gates), min(CROSSOVER.values()))


def _takes_layer(layer: Layer) -> bool:
    cell = layer.cell
    if cell.inner is not None or layer.size > largest_size(cell):
        return False
    try:
        traced(cell)
    except UnknownOperation as error:
        log.info("No fused loop for a cell: %s is not in the table of operations.", error)
        return False
    return True


@lru_cache(maxsize=1)
def works() -> bool:
    """Whether code may be, and can be, compiled and called here; tried once in a process.

    Raises:
        ValueError: $MEMSPAN_ENGINE is neither ``auto`` nor ``torch``.
    """
    wanted = (os.environ.get("MEMSPAN_ENGINE") or "auto").lower()
    if wanted not in ENGINES:
        raise ValueError(f"MEMSPAN_ENGINE is {wanted!r}; it takes {' or '.join(ENGINES)}.")
    if wanted == "torch":
        return False
    try:
        from memspan.engine.fused.self_check import self_check

        self_check()
    except Exception as error:  # whatever a compiler that is missing or broken raises
        log.warning(
            "The fused engine is out of order here, the torch engine serves: %s: %s", type(error).__name__, error
        )
        return False
    return True
