"""Which engine trains a run, and how many repeats it takes side by side: both follow from the run's own shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from memspan.engine.fused.scope import takes
from memspan.engine.population import Condition
from memspan.parts.network import Network

EngineName = Literal["torch", "fused"]
WIDEST = 32
"""most runs in one stack"""
FUSED_WIDTH = 6
"""runs of a fused stack: it needs no mates to be fast, only work enough that claiming it costs little"""


@dataclass(frozen=True)
class Choice:
    """An engine by name, and the width of its stacks. Fixed when a run is submitted and stored with it."""

    name: EngineName
    width: int


def choose(condition: Condition, network: Network | None = None, device: str = "cpu") -> Choice:
    """The engine for the runs of a condition on a kind of device; ``network`` spares building it again."""
    network = network or condition.network()
    name: EngineName = "fused" if device == "cpu" and takes(network, condition.signature) else "torch"
    return Choice(name, width(network, name))


def width(network: Network, name: EngineName) -> int:
    """How many repeats are stacked: many where a step is too small to fill a core, one where it isn't.

    It follows from the model's own shape alone. In the torch engine a run keeps its place in the stack (repeat modulo
    width) and missing mates are padded, so it is computed by the same instructions at the same place whatever is
    trained beside it; in the fused engine places don't matter.
    """
    if name == "fused":
        return FUSED_WIDTH
    if network.parameters <= 300:
        return WIDEST
    return 8 if network.parameters <= 5_000 else 1
