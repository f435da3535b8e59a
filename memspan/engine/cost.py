"""How long training takes, roughly: for plans, remaining times and the order of work.

Measured on one core of a 2026 server by ``python -m benchmarks estimates``, which prints estimated beside measured
seconds for conditions of all studies. What another machine takes is found out by its workers (``workers.stopwatch``).
"""

from __future__ import annotations

from memspan.engine.condition import Condition
from memspan.engine.fused import speed
from memspan.engine.fused.layout import layouts
from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature

STEP_SECONDS = 6e-4
"""an optimiser step of the torch engine, whatever the model (batch, loss, optimiser)"""
TIME_STEP_SECONDS = 1.4e-4
"""a recurrent time step, forward and backward, of a small stack"""
OPERATION_SECONDS = 8e-6
"""an operation of a network that computes all steps side by side, forward and backward"""
SIDE_BY_SIDE_SECONDS = 3e-9
"""a number that such a network keeps: ``KEPT_SECONDS`` of any other"""
MULTIPLY_SECONDS = 1.2e-10
"""a multiplication of a weight with a number, forward and backward, of one core"""
ANSWER_SECONDS = 2e-7
"""an answer's loss, its gradient and its metrics"""
KEPT_SECONDS = 5e-9
"""a number that a forward pass keeps for the backward pass: elementwise work and memory"""
CLAIM_SECONDS = 0.02
"""a stack besides its training: claimed, its data drawn, its loops looked up"""
STORED_SECONDS = 5e-4
"""a run besides its training: its row, metrics, weights and events (``python -m benchmarks overhead``)"""
BASIS = "cost model of each run's engine, one core of a 2026 server a worker"


def fused_run_seconds(condition: Condition, network: Network) -> float:
    """A run of the fused engine, its test included."""
    return speed.run_seconds(condition, layouts(network), network.parameters)


def torch_stack_seconds(condition: Condition, network: Network, members: int) -> float:
    """A stack of the torch engine, from the first step to the last epoch."""
    training = condition.training
    recurrent = condition.signature.length if network.state_size else 0
    launched = recurrent * TIME_STEP_SECONDS if network.operations is None else network.operations * OPERATION_SECONDS
    per_step = STEP_SECONDS + launched
    each = network.multiplications or network.parameters * (recurrent or 1)
    answers = condition.signature.answers
    kept_seconds = KEPT_SECONDS if network.operations is None else SIDE_BY_SIDE_SECONDS
    worked = each * MULTIPLY_SECONDS + network.kept * kept_seconds
    sequence = network.pace * worked + answers * ANSWER_SECONDS
    sequences = 1 + training.validation_size / (3 * training.train_size)
    epoch = training.steps_per_epoch * (per_step + members * training.batch_size * sequence) * sequences
    return training.most_epochs * epoch


# For probes: python -m benchmarks probe_costs
CALL_SECONDS = 3e-4
"""a call of a network by torch, forward, whatever the model"""
CALL_STEP_SECONDS = 4e-5
"""a time step of such a call of a recurrent network"""
STATE_SECONDS = 1e-8
"""a state, gates and all, at a time step of one sequence, forward"""
ANSWER_MULTIPLY_SECONDS = 5e-11
"""a multiplication of a weight with a number, forward"""
CALL_VALUES = 2**22
"""numbers that one call may hold"""
GRADIENT = 3.5
"""times as long as forward alone takes forward and backward"""
PROBE_SECONDS = 0.02
"""a probe whatever it asks: its claim, its data, its intervals, its rows"""


def call_seconds(signature: Signature, network: Network, steps: int | None = None) -> float:
    """A call of a network by torch that answers next to nothing."""
    if network.operations is not None:
        return CALL_SECONDS + network.operations * OPERATION_SECONDS / GRADIENT
    return CALL_SECONDS + (CALL_STEP_SECONDS * (steps or signature.length) if network.state_size else 0.0)


def forward_seconds(signature: Signature, network: Network, sequences: float, steps: int | None = None) -> float:
    """Answers to sequences, counted over all members, in as many calls as bound memory."""
    length = steps or signature.length
    by_step = network.state_size > 0 and network.operations is None
    values = network.held(length, signature.channels)
    products = network.multiplications or network.parameters * (length if by_step else 1)
    each = values * (STATE_SECONDS if by_step else KEPT_SECONDS / 3) + products * ANSWER_MULTIPLY_SECONDS
    return sequences * (each + values / CALL_VALUES * call_seconds(signature, network, steps))
