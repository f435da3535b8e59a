"""Placements: by what, beside whom and for how long the runs of a condition are trained. Decided once, passed down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from memspan.engine.condition import Condition
from memspan.engine.cost import fused_run_seconds, torch_stack_seconds
from memspan.engine.fused.layout import SIDE_BY_SIDE, layouts
from memspan.engine.fused.scope import takes
from memspan.engine.peak_memory import peak_bytes
from memspan.interfaces.network import Network

Device = Literal["cpu", "gpu"]
EngineName = Literal["torch", "fused"]
WIDEST = 32
"""most runs in one stack"""
STACK_SECONDS = 0.3
"""what a fused stack is cut to: long beside what claiming and storing it cost (``python -m benchmarks overhead``),
short beside a study. Stored runs keep the width that they were placed with."""
GPU_PARAMETERS = 20_000
"""a network below that is faster on a CPU, whatever the GPU. Reckoned from how long it takes to launch kernels, not
measured: no GPU was at hand."""
EAGER_WIDTHS = ((300, WIDEST), (5_000, 8))
"""most products of weights in a step, and how many repeats the torch engine stacks up to there: a step of so small a
network doesn't fill a core. ``python -m benchmarks feedforward`` shows one model beside a full stack."""
BLOCKS_WIDTHS = ((200_000, 4),)
"""the same for residual blocks, whose products are counted over all steps (``python -m benchmarks modern``)"""
PAIRED_PARAMETERS = 150_000
"""weights of a network without a state up to which two repeats side by side take half the time each (``python -m
benchmarks feedforward``)"""


@dataclass(frozen=True, eq=False)
class Placement:
    """How the runs of one condition are trained. Fixed when they are submitted and stored with them.

    Attributes:
        network: built once, for whoever counts or trains.
        device: the kind of device whose workers train them.
        engine: by name. A machine where it can't work trains with torch, and the run's record says so.
        width: most repeats in one stack.
    """

    condition: Condition
    network: Network
    device: Device
    engine: EngineName
    width: int

    @cached_property
    def run_seconds(self) -> float:
        """What a run takes of one worker on the machine that the model of cost was measured on, its test included.

        In a full stack: the share of each.
        """
        if self.engine == "fused":
            return fused_run_seconds(self.condition, self.network)
        return self.stack_seconds / self.width

    @cached_property
    def stack_seconds(self) -> float:
        """What a full stack takes of one worker."""
        if self.engine == "fused":
            return self.width * self.run_seconds
        return torch_stack_seconds(self.condition, self.network, self.width)

    @cached_property
    def peak_bytes(self) -> int:
        """The most memory that a worker holds while it trains a full stack, the process itself included."""
        return peak_bytes(self.condition, self.network, self.engine, self.width)

    def stacks(self, repeats: int) -> int:
        """How many stacks so many repeats make."""
        return -(-repeats // self.width)

    def seconds(self, repeats: int) -> float:
        """What so many repeats take of one worker; a torch stack costs as much half empty as full."""
        if self.engine == "fused":
            return repeats * self.run_seconds
        return self.stacks(repeats) * self.stack_seconds


def place(condition: Condition, device: Device = "cpu", engine: EngineName | None = None) -> Placement:
    """The placement of a condition's runs on a kind of device.

    Args:
        engine: instead of the one that follows from the network and the device.
    """
    network = condition.network()
    chosen = engine or ("fused" if device == "cpu" and takes(network, condition.signature) else "torch")
    return Placement(condition, network, device, chosen, _width(condition, network, chosen))


def best_device(condition: Condition) -> Device:
    """Where a condition's runs are trained soonest, if there is a GPU."""
    return "gpu" if condition.network().parameters >= GPU_PARAMETERS else "cpu"


def _width(condition: Condition, network: Network, engine: EngineName) -> int:
    return _fused_width(condition, network) if engine == "fused" else _eager_width(network)


def _fused_width(condition: Condition, network: Network) -> int:
    """As many repeats as take STACK_SECONDS together, in whole groups side by side.

    A run's numbers don't depend on it: what is computed for one member of a fused stack is the same whatever is
    computed beside it.
    """
    together = SIDE_BY_SIDE if all(layer.is_unrolled for layer in layouts(network)) else 1
    groups = int(STACK_SECONDS / fused_run_seconds(condition, network) / together)
    return together * max(1, min(WIDEST // together, groups))


def _eager_width(network: Network) -> int:
    """Many repeats where a step is too small to fill a core, one where it isn't.

    Two dense nets side by side take half the time each, and one of them alone, padded, not much more than by itself.
    It follows from the model's own shape alone. A run keeps its place in the stack (repeat modulo width) and missing
    mates are padded, so it is computed by the same instructions at the same place whatever is trained beside it.
    """
    used = network.multiplications or network.parameters
    widths = EAGER_WIDTHS if network.blocks is None else BLOCKS_WIDTHS
    fitting = [width for most, width in widths if used <= most]
    if fitting:
        return fitting[0]
    if network.blocks is not None:
        return 1
    return 2 if not network.state_size and network.parameters <= PAIRED_PARAMETERS else 1
