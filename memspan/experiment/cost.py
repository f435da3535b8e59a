"""How long training takes, roughly: for plans, progress bars and the order of work."""

from __future__ import annotations

from memspan.engine.choice import choose
from memspan.engine.fused import speed
from memspan.engine.fused.layout import layouts
from memspan.engine.population import Condition
from memspan.interfaces.network import Network

STEP_SECONDS = 6e-4
"""an optimiser step whatever the model (batch, loss, optimiser)"""
TIME_STEP_SECONDS = 1.4e-4
"""a recurrent time step, forward and backward, of a small stack"""
MULTIPLY_SECONDS = 1.2e-10
"""a multiplication of a weight with a number, forward and backward, of one core"""
KEPT_SECONDS = 5e-9
"""a number that a forward pass keeps for the backward pass: elementwise work and memory"""
BASIS = "cost model of each run's engine, one core of a 2026 server a worker"


def epoch_seconds(condition: Condition, network: Network) -> float:
    """Seconds that one worker needs for an epoch of a full stack of runs, its validation included."""
    chosen = choose(condition, network)
    if chosen.name == "fused":
        return chosen.width * speed.epoch_seconds(condition, layouts(network), network.parameters)
    return _torch_seconds(condition, network, chosen.width)


def _torch_seconds(condition: Condition, network: Network, members: int) -> float:
    training = condition.training
    recurrent = condition.signature.length if network.state_size else 0
    per_step = STEP_SECONDS + recurrent * TIME_STEP_SECONDS
    each = network.multiplications or network.parameters * (recurrent or 1)
    sequence = each * MULTIPLY_SECONDS + network.kept * KEPT_SECONDS
    sequences = 1 + training.validation_size / (3 * training.train_size)
    return training.steps_per_epoch * (per_step + members * training.batch_size * sequence) * sequences


def total_seconds(condition: Condition, network: Network, repeats: int) -> float:
    """Seconds that one worker needs for all repeats of a condition; a torch stack costs as much half empty as full."""
    if choose(condition, network).name == "fused":
        return repeats * speed.run_seconds(condition, layouts(network), network.parameters)
    return populations(condition, network, repeats) * condition.training.epochs * epoch_seconds(condition, network)


def populations(condition: Condition, network: Network, repeats: int) -> int:
    """Stacks that a condition's repeats make."""
    return -(-repeats // choose(condition, network).width)
