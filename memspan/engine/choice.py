"""Which engine trains a run, and how many repeats it takes side by side: both follow from the run's own shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from memspan.engine.fused.layout import SIDE_BY_SIDE, layouts
from memspan.engine.fused.scope import takes
from memspan.engine.fused.speed import run_seconds
from memspan.engine.population import Condition
from memspan.interfaces.network import Network

EngineName = Literal["torch", "fused"]
WIDEST = 32
"""most runs in one stack"""
STACK_SECONDS = 0.3
"""what a fused stack is cut to: long beside what claiming and storing it cost, short beside a study"""


@dataclass(frozen=True)
class Choice:
    """An engine by name, and the width of its stacks. Fixed when a run is submitted and stored with it."""

    name: EngineName
    width: int


def choose(condition: Condition, network: Network | None = None, device: str = "cpu") -> Choice:
    """The engine for the runs of a condition on a kind of device; ``network`` spares building it again."""
    network = network or condition.network()
    name: EngineName = "fused" if device == "cpu" and takes(network, condition.signature) else "torch"
    return Choice(name, fused_width(condition, network) if name == "fused" else width(network))


def fused_width(condition: Condition, network: Network) -> int:
    """How many repeats a claim takes: as many as take STACK_SECONDS together, in whole groups side by side.

    A run's numbers don't depend on it: what is computed for one member of a fused stack is the same whatever is
    computed beside it.
    """
    layers = layouts(network)
    together = SIDE_BY_SIDE if all(layer.is_unrolled for layer in layers) else 1
    groups = int(STACK_SECONDS / run_seconds(condition, layers, network.parameters) / together)
    return together * max(1, min(WIDEST // together, groups))


def width(network: Network) -> int:
    """How many repeats the torch engine stacks: many where a step is too small to fill a core, one where it isn't.

    Two dense nets side by side take half the time each, and one of them alone, padded, not much more than by itself.
    It follows from the model's own shape alone. A run keeps its place in the stack (repeat modulo width) and missing
    mates are padded, so it is computed by the same instructions at the same place whatever is trained beside it.
    """
    used = network.multiplications or network.parameters
    if used <= 300:
        return WIDEST
    if used <= 5_000:
        return 8
    return 2 if not network.state_size and network.parameters <= 150_000 else 1
