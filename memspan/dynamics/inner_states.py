"""The states of a network, whatever it is made of, as one system that goes forward through time."""

from __future__ import annotations

from memspan.dynamics.block_system import BlockSystem
from memspan.dynamics.double_precision import double_precision
from memspan.dynamics.system import DynamicalSystem, dynamical_system
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Internals

System = DynamicalSystem | BlockSystem


def state_count(network: Network) -> int:
    """Numbers carried from step to step, D."""
    return network.recurrence.state_size if network.recurrence else network.state_size


def system_of(internals: Internals, members: slice = slice(None)) -> System:
    """Recurrent layers, or residual blocks, with the weights of some members in double precision."""
    network, weights = internals.network, double_precision(internals, members)
    if network.recurrence is not None:
        return dynamical_system(network.recurrence, weights)
    if network.blocks is not None:
        return BlockSystem(network.blocks, weights)
    raise TypeError("A network of neither layers nor blocks carries no states that could be looked at.")
